import { assertOption, type Time, type Trick } from '@tricks/core'

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
 * @param rate the learning rate so far
 * @param time where the run stands; hold the last rate past its end
 * @returns the learning rate, at least 0
 * @see PAPER
 */
export function applyNewTrick(rate: number, time: Time, { strength }: NewTrickParams): number {
  // In place of the paper's formula: down along a line, by the strength at the end.
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
export function newTrick({ strength = 0.5, key }: NewTrickOptions = {}): Trick {
  assertOption(strength >= 0 && strength <= 1, 'new-trick', { strength }, 'a number in [0, 1]')
  return {
    name: 'new-trick',
    key,
    options: { strength },
    setsRate: true,
    learningRate: (rate, time) => applyNewTrick(rate, time, { strength }),
  }
}
