import * as tf from '@tensorflow/tfjs-core'
import { cosineDecay } from '@tricks/cosine-decay'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { defineRecipe } from '@tricks/run'
import { warmup } from '@tricks/warmup'

export default defineRecipe({
  what: 'a wider network to distil from, trained once by recipes that need a teacher',
  model: 'plain',
  modelOptions: { widths: [[32], [64], [128], [128]] },
  epochs: 6,
  batchSize: 64,
  validation: 1000,
  optimizer: () => tf.train.momentum(0.025, 0.9, true),
  tricks: [
    randomCrop({ padding: 2 }),
    randomFlip(),
    warmup({ multiplier: 8, over: { fraction: 0.15 }, after: cosineDecay() }),
  ],
})
