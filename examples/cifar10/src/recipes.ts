// What a run is made of. Change it here, or add a recipe of your own; `--recipe NAME` takes it.
import * as tf from '@tensorflow/tfjs-core'
import type { Trick } from '@tricks/core'
import { cosineDecay } from '@tricks/cosine-decay'
import { cutout } from '@tricks/cutout'
import { labelSmoothing } from '@tricks/label-smoothing'
import { mixup } from '@tricks/mixup'
import type { ModelName, PlainOptions } from '@tricks/models'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { warmup } from '@tricks/warmup'

export interface Recipe {
  readonly what: string
  readonly model: ModelName
  /** The model's own options, but for its seed and classes. */
  readonly modelOptions?: PlainOptions
  readonly epochs: number
  readonly batchSize: number
  /** Of the training images, kept for validation. */
  readonly validation: number
  readonly optimizer: () => tf.Optimizer
  readonly tricks: () => Trick[]
}

export const recipes: Readonly<Record<string, Recipe>> = {
  quick: {
    what: 'a few minutes on any machine: little training, so little regularisation',
    model: 'plain',
    modelOptions: { widths: [[16], [32], [64], [128]] },
    epochs: 4,
    batchSize: 64,
    validation: 1000,
    // The warm-up multiplies the optimizer's rate by 8 before the cosine brings it down.
    optimizer: () => tf.train.momentum(0.0125, 0.9, true),
    tricks: () => [
      randomCrop({ padding: 1 }),
      randomFlip(),
      labelSmoothing({ epsilon: 0.1 }),
      warmup({ multiplier: 8, over: { fraction: 0.15 }, after: cosineDecay() }),
    ],
  },
  six: {
    what: 'the six first tricks together, for longer runs',
    model: 'plain',
    epochs: 30,
    batchSize: 128,
    validation: 5000,
    optimizer: () => tf.train.momentum(0.0125, 0.9, true),
    tricks: () => [
      randomCrop({ padding: 4 }),
      randomFlip(),
      cutout({ length: 8 }),
      mixup({ alpha: 0.2 }),
      labelSmoothing({ epsilon: 0.1 }),
      warmup({ multiplier: 8, over: { epochs: 2 }, after: cosineDecay() }),
    ],
  },
}
