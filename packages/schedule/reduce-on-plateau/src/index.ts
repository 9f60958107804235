import { assertOption, type Trick } from '@tricks/core'
import { cut, type Counts, fresh, next, type PlateauOptions } from './plateau.ts'
export type { PlateauOptions } from './plateau.ts'

export interface ReduceOnPlateauOptions extends Partial<PlateauOptions> {
  /** The validation metric that is watched; default 'loss'. Its mode is 'min', that of accuracy 'max'. */
  readonly monitor?: 'loss' | 'accuracy'
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/**
 * A rate that is cut where a metric stops getting better.
 *
 * A metric is better where it is below best · (1 − threshold), or above best · (1 + threshold) in mode 'max'.
 * After more than `patience` that are not, rate becomes max(rate · factor, min), and `cooldown` are let pass.
 *
 * @param rate at the start, above 0
 * @param options see `PlateauOptions`
 * @returns `rate()`, the rate to use now, and `observe(metric)`, to be told of each epoch's metric
 * @throws RangeError for an option out of its range
 * @example
 * const schedule = plateauSchedule({ rate: 0.1, factor: 0.5, patience: 0 })
 * schedule.observe(1)
 * schedule.observe(1)
 * schedule.rate() // 0.05
 */
export function plateauSchedule({ rate, ...options }: PlateauOptions & { readonly rate: number }): {
  rate(): number
  observe(metric: number): void
} {
  assertOption(rate > 0 && Number.isFinite(rate), name, { rate }, 'a number above 0')
  const resolved = resolve(options)
  let counts = fresh
  return {
    rate: () => cut(rate, counts.cuts, resolved),
    observe: (metric) => void (counts = next(counts, metric, resolved)),
  }
}

/**
 * Cuts the learning rate when a validation metric stops getting better.
 *
 * @throws RangeError for an option out of its range; after the first epoch an Error in a run without validation
 * @example
 * compose([reduceOnPlateau({ factor: 0.2, patience: 5 })])
 */
export function reduceOnPlateau({
  monitor = 'loss',
  mode = monitor === 'loss' ? 'min' : 'max',
  factor = 0.1,
  patience = 10,
  key,
  ...given
}: ReduceOnPlateauOptions = {}): Trick {
  assertOption(['loss', 'accuracy'].includes(monitor), name, { monitor }, "'loss' or 'accuracy'")
  const options = resolve({ ...given, factor, patience, mode })
  let counts = fresh
  return {
    name,
    key,
    options: { monitor, ...options },
    setsRate: true,
    setup: () => void (counts = fresh),
    learningRate: (rate) => cut(rate, counts.cuts, options),
    afterEpoch({ validation }) {
      if (!validation)
        throw new Error(
          'reduce-on-plateau: there are no validation metrics to watch: keep images for validation, ' +
            'or use a schedule that needs none, such as cosine-decay',
        )
      counts = next(counts, validation[monitor], options)
      return undefined
    },
    state: {
      save: () => ({ ...counts }),
      restore: (state) => void (counts = { ...state } as unknown as Counts),
    },
  }
}

const name = 'reduce-on-plateau'

function resolve(options: PlateauOptions): Required<PlateauOptions> {
  const { factor, patience, threshold = 1e-4, cooldown = 0, min = 0, mode = 'min' } = options
  const whole = (value: number): boolean => Number.isInteger(value) && value >= 0
  assertOption(factor > 0 && factor < 1, name, { factor }, 'a number in (0, 1)')
  assertOption(whole(patience), name, { patience }, 'a whole number of at least 0')
  assertOption(threshold >= 0 && threshold < 1, name, { threshold }, 'a number in [0, 1)')
  assertOption(whole(cooldown), name, { cooldown }, 'a whole number of at least 0')
  assertOption(min >= 0 && Number.isFinite(min), name, { min }, 'a number of at least 0')
  assertOption(mode === 'min' || mode === 'max', name, { mode }, "'min' or 'max'")
  return { factor, patience, threshold, cooldown, min, mode }
}
