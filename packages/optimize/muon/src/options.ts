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
  /** Size of a step: the largest factor by which it changes a layer's output. */
  learningRate: number({ ...rates, default: 0.02 }),
  /** Decay rate of the gradients' mean. */
  momentum: number({ min: 0, below: 1, default: 0.95 }),
  /** Use Nesterov momentum. */
  nesterov: boolean({ default: true }),
  /** Number of Newton–Schulz iterations. */
  steps: integer({ min: 1, max: 100, default: 5 }),
  /** Decoupled decay: each step multiplies the weights by 1 − `learningRate` · `weightDecay`; `inner` has its own. */
  weightDecay: number({ ...rates, default: 0 }),
  /** Optimizer for biases and norms (rank 1); its rate changes in proportion. */
  inner: checked<tf.Optimizer>('an optimizer, such as adamw()', isOptimizer),
  /**
   * The `learningRate` at which `inner` has `innerLearningRate`; saved with the optimizer. @defaultValue `learningRate`
   */
  baseLearningRate: optional(number({ above: 0, max: 1e6, scale: 'log' })),
  /** `inner`'s rate at `baseLearningRate`; saved with the optimizer. @defaultValue `inner`'s */
  innerLearningRate: optional(number(rates)),
})
export type MuonOptions = OptionsOf<typeof muonOptions>
