// Your own recipe: what `tricks train ./pictures --recipe ./flowers.recipe.ts` trains with.
import * as tf from '@tensorflow/tfjs-core'
import { cosineDecay } from '@tricks/cosine-decay'
import { cutout } from '@tricks/cutout'
import { labelSmoothing } from '@tricks/label-smoothing'
import { randomFlip } from '@tricks/random-flip'
import { randomResizedCrop } from '@tricks/random-resized-crop'
import { defineRecipe } from '@tricks/run'
import { warmup } from '@tricks/warmup'

export default defineRecipe({
  what: 'pictures of 64 × 64, from scratch, with windows of any size',
  model: 'plain',
  modelOptions: { widths: [[16], [32], [64], [128]] },
  size: 64,
  larger: 1.5,
  epochs: 20,
  batchSize: 32,
  validation: 0.1,
  optimizer: () => tf.train.momentum(0.0125, 0.9, true),
  // A function of the data, as windows are scaled to the pictures' size, and the hole's size depends on it.
  tricks: ({ data: { height, width } }) => [
    randomResizedCrop({ size: [height, width], area: [0.35, 1] }),
    randomFlip(),
    cutout({ length: Math.round(height / 4) }),
    labelSmoothing(),
    warmup({ multiplier: 4, over: { fraction: 0.1 }, after: cosineDecay() }),
  ],
})
