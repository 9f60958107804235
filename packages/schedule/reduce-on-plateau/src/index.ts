import { assertArgument, type Trick } from '@tricks/core'
import {
  observe,
  parameters,
  type PlateauOptions,
  type PlateauState,
  rateAfter,
  type ReduceOnPlateauOptions,
  reduceOnPlateauOptions,
  start,
} from './plateau.ts'

export {
  type PlateauOptions,
  type PlateauState,
  type ReduceOnPlateauOptions,
  reduceOnPlateauOptions,
}

/** A rate that depends on the metrics so far. */
export interface PlateauSchedule {
  /** The rate of the epoch to come. */
  rate(): number
  /** Takes in an epoch's metric; NaN is no improvement. */
  observe(metric: number): void
  /** What it remembers, as JSON. */
  save(): PlateauState
  restore(state: PlateauState): void
}

/**
 * Multiplies the rate by `factor` once more than `patience` epochs running have not been better than
 * best · (1 − threshold), or best · (1 + threshold) in mode 'max'; after a cut it counts none for `cooldown` epochs. A
 * cut of less than 1e-8 is not made.
 *
 * @param options.rate to start with, above 0
 * @throws RangeError for an option out of its range
 * @example
 * const plateau = plateauSchedule({ rate: 0.1, factor: 0.1, patience: 1 })
 * for (const loss of [1, 0.5, 0.5, 0.5]) plateau.observe(loss)
 * plateau.rate() // 0.01
 */
export function plateauSchedule(given: PlateauOptions): PlateauSchedule {
  const options = parameters.parse(given)
  let state = start
  return {
    rate: () => rateAfter(state.cuts, options.rate, options),
    observe(metric) {
      assertArgument(typeof metric === 'number', 'reduce-on-plateau', { metric }, 'a number')
      state = observe(state, metric, options)
    },
    save: () => state,
    restore: (saved) => void (state = saved),
  }
}

/**
 * Cuts the learning rate when a metric of the validation set no longer improves. In `warmup({ after })` only the epochs
 * after the warm-up count.
 *
 * @throws RangeError for an option out of its range; Error after an epoch without validation
 * @example
 * compose([reduceOnPlateau({ factor: 0.1, patience: 5 })])
 */
export function reduceOnPlateau({
  key,
  ...given
}: ReduceOnPlateauOptions = {}): Trick<PlateauState> {
  const options = reduceOnPlateauOptions.parse(given)
  const { monitor } = options
  const [metric, mode] =
    monitor === 'validation loss' ? (['loss', 'min'] as const) : (['accuracy', 'max'] as const)
  return {
    name: 'reduce-on-plateau',
    key,
    options,
    setsRate: true,
    start: () => start,
    learningRate: (rate, _, { cuts }) => rateAfter(cuts, rate, options),
    afterEpoch({ epoch, validation }, state) {
      if (!validation)
        throw new Error(
          `reduce-on-plateau: epoch ${epoch} has no ${monitor}: keep some of the training images for validation, or ` +
            `use a schedule that needs none, such as cosineDecay()`,
        )
      Object.assign(state, observe(state, validation[metric], { ...options, mode }))
      return undefined
    },
  }
}
