import { AdaBound } from './optimizer.ts'

export { AdaBound }

export interface AdaBoundOptions {
  /** Adam's rate at the start, above 0, or 0 with a `baseLearningRate`; default 0.001. */
  readonly learningRate?: number
  /** SGD's rate at the end, above 0; default 0.1. It grows and falls with `learningRate`. */
  readonly finalLearningRate?: number
  /** How much of the gradients' mean stays at a step, in [0, 1); default 0.9. */
  readonly beta1?: number
  /** How much of the squared gradients' mean stays at a step, in [0, 1); default 0.999. */
  readonly beta2?: number
  /** How fast the bounds close in on the final rate, in (0, 1); default 0.001. */
  readonly gamma?: number
  /** Added to the root of the squared gradients' mean, above 0; default 1e-8. */
  readonly epsilon?: number
  /** At least 0; default 0. */
  readonly weightDecay?: number
  /**
   * Whether `weightDecay` · w is taken from the weights themselves, as AdaBoundW does, at any learning rate;
   * by default it is added to the gradient.
   */
  readonly decoupled?: boolean
  /** Whether to divide by the largest squared gradients' mean so far (AMSBound); default false. */
  readonly amsbound?: boolean
  /** The rate that `finalLearningRate` belongs to; default `learningRate`. A saved optimizer has it. */
  readonly baseLearningRate?: number
}

/**
 * AdaBound: begins as Adam, ends as SGD with momentum. At step t, from 1, elementwise:
 *
 * m = β₁ m + (1 − β₁) g, v = β₂ v + (1 − β₂) g²
 * final = finalLearningRate · learningRate / baseLearningRate
 * w = w − m · clip(learningRate · √(1 − β₂ᵗ) / (1 − β₁ᵗ) / (√v + ε), final (1 − 1 / (γ t + 1)), final (1 + 1 / (γ t)))
 *
 * @returns a `tf.Optimizer`, for `model.compile`, `minimize` and `applyGradients`
 * @throws RangeError for an option out of its range
 * @example
 * model.compile({ optimizer: adabound({ learningRate: 0.001 }), loss: 'categoricalCrossentropy' })
 * @see Luo et al. 2019, https://arxiv.org/abs/1902.09843
 */
export function adabound(options: AdaBoundOptions = {}): AdaBound {
  return new AdaBound(options)
}
