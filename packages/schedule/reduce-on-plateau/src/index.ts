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

/** A schedule that depends on past metrics. */
export interface PlateauSchedule {
  /** The rate of the next epoch. */
  rate(): number
  /** Records an epoch's metric; NaN counts as no improvement. */
  observe(metric: number): void
  /** Its state, as JSON. */
  save(): PlateauState
  restore(state: PlateauState): void
}

/**
 * Multiplies the rate by `factor` after more than `patience` consecutive epochs without a metric better than best · (1
 * − threshold), or best · (1 + threshold) in mode 'max'; for `cooldown` epochs after a cut, none count. Cuts of less
 * than 1e-8 are skipped.
 *
 * @param options.rate the initial rate, above 0
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
 * Cuts the learning rate when a validation metric stops improving. In `warmup({ after })`, only epochs after the
 * warm-up count.
 *
 * @throws RangeError for an option out of its range; Error after an epoch without validation
 * @example
 * composeRun([reduceOnPlateau({ factor: 0.1, patience: 5 })])
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
          `reduce-on-plateau: epoch ${epoch} has no ${monitor}: hold out some of the training images for validation, or ` +
            `use a schedule that doesn't need it, such as cosineDecay()`,
        )
      Object.assign(state, observe(state, validation[metric], { ...options, mode }))
      return undefined
    },
  }
}
