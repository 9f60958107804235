import * as tf from '@tensorflow/tfjs-core'
import { cosineDecay } from '@tricks/cosine-decay'
import { labelSmoothing } from '@tricks/label-smoothing'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { defineRecipe } from '@tricks/run'
import { warmup } from '@tricks/warmup'

export default defineRecipe({
  what: 'for @tricks/native: a larger network in the same time',
  model: 'plain',
  modelOptions: {
    widths: [
      [32, 32],
      [64, 64],
      [128, 128],
    ],
  },
  precision: 'bfloat16',
  epochs: 4,
  batchSize: 128,
  validation: 1000,
  optimizer: () => tf.train.momentum(0.04, 0.9, true),
  tricks: [
    randomCrop({ padding: 2 }),
    randomFlip(),
    labelSmoothing({ epsilon: 0.1 }),
    warmup({ multiplier: 8, over: { fraction: 0.15 }, after: cosineDecay() }),
  ],
})
