import * as tf from '@tensorflow/tfjs-core'
import { assertOption, type Trick } from '@tricks/core'

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
 * @param loss the loss so far
 * @param pass logits and targets, float32 `[batch, classes]`, rows of targets sum to 1
 * @returns the loss to go down
 * @see PAPER
 */
export function applyNewTrick(
  loss: tf.Scalar,
  { logits, targets }: { readonly logits: tf.Tensor2D; readonly targets: tf.Tensor2D },
  { strength }: NewTrickParams,
): tf.Scalar {
  // In place of the paper's formula: the mean squared distance of logits and targets, added.
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
export function newTrick({ strength = 0.5, key }: NewTrickOptions = {}): Trick {
  assertOption(strength >= 0 && strength <= 1, 'new-trick', { strength }, 'a number in [0, 1]')
  return {
    name: 'new-trick',
    key,
    options: { strength },
    loss: (loss, pass) => applyNewTrick(loss, pass, { strength }),
  }
}
