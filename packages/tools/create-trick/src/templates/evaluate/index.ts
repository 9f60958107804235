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
 * @param logits of normalised images, float32 `[batch, classes]`
 * @returns logits of the same shape
 * @see PAPER
 */
export function applyNewTrick(logits: tf.Tensor2D, { strength }: NewTrickParams): tf.Tensor2D {
  // Replace by the paper's formula. Placeholder: less certain by the strength.
  return tf.tidy(() => tf.mul(logits, 1 - strength))
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
    // Only in evaluation; `next` is the model, which may be called more than once.
    evaluation: { predict: (next, images) => applyNewTrick(next(images), options) },
  }
}
