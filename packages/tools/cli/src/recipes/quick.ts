import * as tf from '@tensorflow/tfjs-core'
import { cosineDecay } from '@tricks/cosine-decay'
import { labelSmoothing } from '@tricks/label-smoothing'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { defineRecipe } from '@tricks/run'
import { warmup } from '@tricks/warmup'

export default defineRecipe({
  what: 'a few minutes on any machine; short training, so little regularisation',
  model: 'plain',
  modelOptions: { widths: [[16], [32], [64], [128]] },
  epochs: 4,
  batchSize: 64,
  validation: 1000,
  // The warm-up multiplies the rate by 8 before the cosine reduces it.
  optimizer: () => tf.train.momentum(0.04, 0.9, true),
  tricks: [
    randomCrop({ padding: 1 }),
    randomFlip(),
    labelSmoothing({ epsilon: 0.1 }),
    warmup({ multiplier: 8, over: { fraction: 0.15 }, after: cosineDecay() }),
  ],
})
