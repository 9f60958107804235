import * as tf from '@tensorflow/tfjs-core'
import { assertOption, trainableOf, type Trick } from '@tricks/core'

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
 * @param weights one variable's values
 * @returns as `weights`
 * @see PAPER
 */
export function applyNewTrick(weights: tf.Tensor, { strength }: NewTrickParams): tf.Tensor {
  // In place of the paper's formula: smaller by the strength.
  return tf.tidy(() => tf.mul(weights, 1 - strength))
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
    start({ variables, time }) {
      // A run that is resumed has its weights already.
      if (time.step > 0) return
      for (const variable of Object.values(trainableOf(variables)))
        variable.assign(applyNewTrick(variable, { strength }))
    },
  }
}
