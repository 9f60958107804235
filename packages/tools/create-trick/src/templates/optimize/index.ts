import * as tf from '@tensorflow/tfjs-core'
import type { Tensors, Trick } from '@tricks/core'
import { defineOptions, number, type OptionsOf } from '@tricks/core/options'

export const newTrickOptions = defineOptions('new-trick', {
  /** Strength of the trick; the paper's default. */
  strength: number({ min: 0, max: 1, default: 0.5 }),
})
export type NewTrickOptions = OptionsOf<typeof newTrickOptions>

export interface NewTrickParams {
  /** In [0, 1]. */
  readonly strength: number
}

/**
 * The formula, in one line.
 *
 * @param gradients by their variable's path
 * @returns gradients by the same paths
 * @see PAPER
 */
export function applyNewTrick(gradients: Tensors, { strength }: NewTrickParams): Tensors {
  // Replace by the paper's formula. Placeholder: smaller by the strength.
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
 * composeRun([newTrick({ strength: 0.5 })])
 * @see PAPER
 */
export function newTrick({ key, ...given }: NewTrickOptions = {}): Trick {
  const options = newTrickOptions.parse(given)
  return {
    name: 'new-trick',
    key,
    options,
    gradients: (next) => applyNewTrick(next(), options),
  }
}
