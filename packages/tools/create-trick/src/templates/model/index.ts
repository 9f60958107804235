import * as tf from '@tensorflow/tfjs-core'
import type { Trick } from '@tricks/core'
import { trainableOf } from '@tricks/core/model'
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
 * @param weights one variable's values
 * @returns weights of the same shape
 * @see PAPER
 */
export function applyNewTrick(weights: tf.Tensor, { strength }: NewTrickParams): tf.Tensor {
  // Replace by the paper's formula. Placeholder: smaller by the strength.
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
export function newTrick({ key, ...given }: NewTrickOptions = {}): Trick {
  const options = newTrickOptions.parse(given)
  return {
    name: 'new-trick',
    key,
    options,
    start({ variables, time }) {
      // A resumed run already has its weights.
      if (time.step > 0) return
      for (const variable of Object.values(trainableOf(variables)))
        variable.assign(applyNewTrick(variable, options))
    },
  }
}
