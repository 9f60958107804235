import * as tf from '@tensorflow/tfjs-core'
import type { Trick } from '@tricks/core'
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
 * @param loss the loss so far
 * @param pass logits and targets, float32 `[batch, classes]`, rows of targets sum to 1
 * @returns the loss to minimise
 * @see PAPER
 */
export function applyNewTrick(
  loss: tf.Scalar,
  { logits, targets }: { readonly logits: tf.Tensor2D; readonly targets: tf.Tensor2D },
  { strength }: NewTrickParams,
): tf.Scalar {
  // Replace by the paper's formula. Placeholder: the mean squared distance of logits and targets, added.
  return tf.tidy(() =>
    tf.add(loss, tf.mul(tf.mean(tf.squaredDifference(logits, targets)), strength)),
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
export function newTrick({ key, ...given }: NewTrickOptions = {}): Trick {
  const options = newTrickOptions.parse(given)
  return {
    name: 'new-trick',
    key,
    options,
    loss: (loss, pass) => applyNewTrick(loss, pass, options),
  }
}
