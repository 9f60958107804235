import * as tf from '@tensorflow/tfjs-core'
import { cosineDecay } from '@tricks/cosine-decay'
import { labelSmoothing } from '@tricks/label-smoothing'
import { whiten } from '@tricks/models'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { defineRecipe } from '@tricks/run'
import { warmup } from '@tricks/warmup'
import { l2 } from '@tricks/weight-penalty'

export default defineRecipe({
  what: "cifar10-airbench's network, in bfloat16 if the processor supports it: 90 % and above",
  model: 'airbench',
  prepare: whiten,
  precision: 'bfloat16',
  epochs: 24,
  batchSize: 250,
  validation: 0,
  optimizer: () => tf.train.momentum(0.03125, 0.9, true),
  tricks: [
    randomCrop({ padding: 2, mode: 'reflect' }),
    randomFlip({ alternate: true }),
    labelSmoothing({ epsilon: 0.1 }),
    l2({ strength: 5e-4 }),
    warmup({ multiplier: 8, over: { fraction: 0.2 }, after: cosineDecay() }),
  ],
})
