import { assertOption, type Duration, isDuration, stepsOf, type Trick } from '@tricks/core'

interface Common {
  /** The rate meanwhile is this share of the optimizer's, in (0, 1); default 0.1, as in the ResNet paper. */
  readonly factor?: number
  /** The rate meanwhile, above 0, in place of `factor`. */
  readonly rate?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/** Ends after a duration, or when the training error falls below a bound. */
export type ConstantWarmupOptions = Common &
  (
    | { readonly over: Duration; readonly until?: never; readonly every?: never }
    | {
        /** The training error, 1 − accuracy, in (0, 1), that ends it: 0.8 in the ResNet paper. */
        readonly until: number
        /** How often the error is looked at; default every 20 steps. */
        readonly every?: Duration
        readonly over?: never
      }
  )

/**
 * Constant warm-up: a small learning rate for a while, then the optimizer's own. A schedule may follow it in
 * the list, as it only scales the rate.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([constantWarmup({ factor: 0.1, until: 0.8 }), cosineDecay()], { steps: 3910 })
 * @see He et al. 2016, section 4.2, https://arxiv.org/abs/1512.03385
 */
export function constantWarmup({
  rate: fixed,
  factor = fixed === undefined ? 0.1 : undefined,
  over,
  until,
  every = { steps: 20 },
  key,
}: ConstantWarmupOptions): Trick<{ warm: boolean }> {
  assertOption(
    fixed === undefined || (fixed > 0 && Number.isFinite(fixed)),
    'warmup',
    { rate: fixed },
    'a number above 0',
  )
  assertOption(
    factor === undefined || (fixed === undefined && factor > 0 && factor < 1),
    'warmup',
    { factor },
    'a number in (0, 1), without a rate beside it',
  )
  const small = (rate: number): number => fixed ?? rate * factor!
  if (until === undefined) {
    assertOption(
      isDuration(over),
      'warmup',
      { over },
      'one of { steps }, { epochs } and { fraction }',
    )
    return {
      name: 'constant-warmup',
      key,
      options: { rate: fixed, factor, over },
      learningRate: (rate, time) => (time.step < stepsOf(over, time) ? small(rate) : rate),
    }
  }
  assertOption(over === undefined, 'warmup', { over }, 'left out where until is given')
  assertOption(until > 0 && until < 1, 'warmup', { until }, 'a training error in (0, 1)')
  assertOption(
    isDuration(every),
    'warmup',
    { every },
    'one of { steps }, { epochs } and { fraction }',
  )
  return {
    name: 'constant-warmup',
    key,
    options: { rate: fixed, factor, until, every },
    start: () => ({ warm: false }),
    learningRate: (rate, _, { warm }) => (warm ? rate : small(rate)),
    observe: [
      {
        every,
        metrics({ accuracy }, _, state) {
          state.warm ||= 1 - accuracy < until
        },
      },
    ],
  }
}
