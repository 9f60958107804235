import type { Time, Trick } from '@tricks/core'
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
 * @param rate the learning rate so far
 * @param time the position in the run; keep the last rate after its end
 * @returns the learning rate, at least 0
 * @see PAPER
 */
export function applyNewTrick(rate: number, time: Time, { strength }: NewTrickParams): number {
  // Replace by the paper's formula. Placeholder: decreases linearly, by the strength at the end.
  return rate * (1 - strength * Math.min(1, time.step / time.steps))
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
    setsRate: true,
    learningRate: (rate, time) => applyNewTrick(rate, time, options),
  }
}
