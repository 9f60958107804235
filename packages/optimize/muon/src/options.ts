import type * as tf from '@tensorflow/tfjs-core'
import {
  boolean,
  checked,
  defineParameters,
  integer,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'
import { isOptimizer } from '@tricks/optimizer'

const rates = { min: 0, max: 1e6, scale: 'log' } as const

export const muonOptions = defineParameters('muon', {
  /** The size of a step, as the largest factor by which it changes what a layer gives. */
  learningRate: number({ ...rates, default: 0.02 }),
  /** Decay rate of the gradients' mean. */
  momentum: number({ min: 0, below: 1, default: 0.95 }),
  /** Look ahead along the mean. */
  nesterov: boolean({ default: true }),
  /** Of Newton and Schulz's iteration. */
  steps: integer({ min: 1, max: 100, default: 5 }),
  /** The weights shrink by this share of the rate at each step; those of `inner` by its own. */
  weightDecay: number({ ...rates, default: 0 }),
  /** The optimizer for biases and norms, all that has rank 1; its rate follows in proportion. */
  inner: checked<tf.Optimizer>('an optimizer, such as adamw()', isOptimizer),
  /** The rate that `inner`'s refers to; saved with the optimizer. @defaultValue `learningRate` */
  baseLearningRate: optional(number({ above: 0, max: 1e6, scale: 'log' })),
  /** `inner`'s rate at `baseLearningRate`; saved with the optimizer. @defaultValue `inner`'s */
  innerLearningRate: optional(number(rates)),
})
export type MuonOptions = OptionsOf<typeof muonOptions>
