import * as tf from '@tensorflow/tfjs-core'
import { cosineDecay } from '@tricks/cosine-decay'
import { cutout } from '@tricks/cutout'
import { labelSmoothing } from '@tricks/label-smoothing'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { defineRecipe } from '@tricks/run'
import { warmup } from '@tricks/warmup'
import { l2 } from '@tricks/weight-penalty'

export default defineRecipe({
  what: 'ResNet-18, for a GPU; not yet run in full',
  model: 'resnet-18',
  precision: 'bfloat16',
  epochs: 30,
  batchSize: 128,
  validation: 0,
  optimizer: () => tf.train.momentum(0.0125, 0.9, true),
  tricks: [
    randomCrop({ padding: 4 }),
    randomFlip(),
    cutout({ length: 16 }),
    labelSmoothing({ epsilon: 0.1 }),
    l2({ strength: 5e-4 }),
    warmup({ multiplier: 8, over: { epochs: 5 }, after: cosineDecay() }),
  ],
})
