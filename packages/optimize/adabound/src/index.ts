import { AdaBound } from './optimizer.ts'
import type { AdaBoundOptions } from './options.ts'

export { AdaBound }
export { type AdaBoundOptions, adaboundOptions } from './options.ts'

/**
 * AdaBound: starts like Adam and ends like SGD with momentum. At step t, from 1, elementwise:
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
