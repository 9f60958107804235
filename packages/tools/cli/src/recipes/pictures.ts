import * as tf from '@tensorflow/tfjs-core'
import { cosineDecay } from '@tricks/cosine-decay'
import { labelSmoothing } from '@tricks/label-smoothing'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { defineRecipe } from '@tricks/run'
import { warmup } from '@tricks/warmup'

export default defineRecipe({
  what: 'your own pictures, from scratch, in a few minutes',
  model: 'plain',
  modelOptions: { widths: [[16], [32], [64], [128]] },
  size: 64,
  epochs: 20,
  batchSize: 32,
  validation: 0.1,
  optimizer: () => tf.train.momentum(0.0125, 0.9, true),
  tricks: ({ data: { height } }) => [
    randomCrop({ padding: Math.max(1, Math.round(height / 8)), mode: 'reflect' }),
    randomFlip(),
    labelSmoothing(),
    warmup({ multiplier: 4, over: { fraction: 0.1 }, after: cosineDecay() }),
  ],
})
