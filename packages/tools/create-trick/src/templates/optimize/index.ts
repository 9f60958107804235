import * as tf from '@tensorflow/tfjs-core'
import { assertOption, type Tensors, type Trick } from '@tricks/core'

export interface NewTrickOptions {
  /** How much, in [0, 1]; default 0.5, the paper's. */
  readonly strength?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

export interface NewTrickParams {
  /** In [0, 1]. */
  readonly strength: number
}

/**
 * The formula, in one line.
 *
 * @param gradients by their variable's path
 * @returns as `gradients`
 * @see PAPER
 */
export function applyNewTrick(gradients: Tensors, { strength }: NewTrickParams): Tensors {
  // In place of the paper's formula: smaller by the strength.
  const smaller = (gradient: tf.Tensor): tf.Tensor => tf.mul(gradient, 1 - strength)
  return tf.tidy(() =>
    Object.fromEntries(Object.entries(gradients).map(([path, each]) => [path, smaller(each)])),
  )
}

/**
 * What the trick does to training, in one line.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([newTrick({ strength: 0.5 })])
 * @see PAPER
 */
export function newTrick({ strength = 0.5, key }: NewTrickOptions = {}): Trick {
  assertOption(strength >= 0 && strength <= 1, 'new-trick', { strength }, 'a number in [0, 1]')
  return {
    name: 'new-trick',
    key,
    options: { strength },
    gradients: (next) => applyNewTrick(next(), { strength }),
  }
}
