import { assertOption, type Trick } from '@tricks/core'
import {
  observe,
  type PlateauOptions,
  type PlateauState,
  rateAfter,
  resolve,
  start,
} from './plateau.ts'

export type { PlateauOptions, PlateauState }

export interface ReduceOnPlateauOptions extends Omit<PlateauOptions, 'mode'> {
  /** What has to improve; default 'validation loss'. */
  readonly monitor?: 'validation loss' | 'validation accuracy'
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/** A rate that depends on what it is told. */
export interface PlateauSchedule {
  /** The rate of the epoch to come. */
  rate(): number
  /** Tells it an epoch's metric. */
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
export function plateauSchedule({
  rate,
  ...options
}: PlateauOptions & { readonly rate: number }): PlateauSchedule {
  const valid = rate > 0 && Number.isFinite(rate)
  assertOption(valid, 'reduce-on-plateau', { rate }, 'a number above 0')
  const resolved = resolve(options)
  let state = start
  return {
    rate: () => rateAfter(state.cuts, rate, resolved),
    observe: (metric) => void (state = observe(state, metric, resolved)),
    save: () => state,
    restore: (saved) => void (state = saved),
  }
}

/**
 * Cuts the learning rate where a metric of the validation set no longer improves. In `warmup({ after })` it hears of the
 * epochs after the warm-up.
 *
 * @throws RangeError for an option out of its range; Error after an epoch without validation
 * @example
 * compose([reduceOnPlateau({ factor: 0.1, patience: 5 })])
 */
export function reduceOnPlateau({
  monitor = 'validation loss',
  key,
  ...options
}: ReduceOnPlateauOptions = {}): Trick<PlateauState> {
  assertOption(
    monitor === 'validation loss' || monitor === 'validation accuracy',
    'reduce-on-plateau',
    { monitor },
    "'validation loss' or 'validation accuracy'",
  )
  const metric = monitor === 'validation loss' ? 'loss' : 'accuracy'
  const { mode, ...resolved } = resolve({ ...options, mode: metric === 'loss' ? 'min' : 'max' })
  return {
    name: 'reduce-on-plateau',
    key,
    options: { monitor, ...resolved },
    setsRate: true,
    start: () => start,
    learningRate: (rate, _, { cuts }) => rateAfter(cuts, rate, { ...resolved, mode }),
    afterEpoch({ epoch, validation }, state) {
      if (!validation)
        throw new Error(
          `reduce-on-plateau: epoch ${epoch} has no ${monitor}: keep some of the training images for validation, or ` +
            `use a schedule that needs none, such as cosineDecay()`,
        )
      Object.assign(state, observe(state, validation[metric], { ...resolved, mode }))
      return undefined
    },
  }
}
