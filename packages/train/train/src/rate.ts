import type * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'

/** The optimizer's learning rate, a protected field of every tfjs optimizer without a public accessor. */
interface Rated {
  learningRate: number
  setLearningRate?(rate: number): void
}

const rated = (optimizer: tf.Optimizer): Rated => optimizer as unknown as Rated

/**
 * @throws Error for a value that is not an optimizer, such as the name that `model.compile` takes, and for an invalid
 *   rate
 */
export function rateOf(optimizer: tf.Optimizer): number {
  const updates = typeof (optimizer as Partial<tf.Optimizer> | undefined | null)?.applyGradients
  assertArgument(updates === 'function', 'train', { optimizer }, 'one such as tf.train.adam(0.001)')
  const rate = rated(optimizer).learningRate
  if (typeof rate !== 'number')
    throw new Error(`train: the optimizer ${optimizer.getClassName()} has no learningRate`)
  const option = { "the optimizer's learning rate": rate }
  assertArgument(rate > 0 && Number.isFinite(rate), 'train', option, 'a number above 0')
  return rate
}

/**
 * Sets an optimizer's learning rate.
 *
 * @example
 * setRate(optimizer, 0.01)
 */
export function setRate(optimizer: tf.Optimizer, rate: number): void {
  // SGD and momentum keep the rate in a tensor that their setter replaces.
  if (rated(optimizer).setLearningRate) rated(optimizer).setLearningRate!(rate)
  else rated(optimizer).learningRate = rate
}
