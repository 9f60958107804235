import { assertArgument, stepsOf, type Trick } from '@tricks/core'
import { defineOptions, duration, number, optional, type OptionsOf } from '@tricks/core/options'

export const constantWarmupOptions = defineOptions('constant-warmup', {
  /** The warm-up rate as a fraction of the optimizer's; the default is the ResNet paper's. */
  factor: number({ above: 0, below: 1, default: 0.1 }),
  /** The warm-up rate, instead of `factor`. */
  rate: optional(number({ above: 0, scale: 'log' })),
  /** Duration of the warm-up; alternative to `until`. */
  over: optional(duration()),
  /** The training error, 1 − accuracy, that ends the warm-up: 0.8 in the ResNet paper. */
  until: optional(number({ above: 0, below: 1 })),
  /** Interval at which the error is compared with `until`. */
  every: duration({ default: { steps: 20 } }),
})
type Given = OptionsOf<typeof constantWarmupOptions>
/** The options: the warm-up ends after a duration, or when the training error falls below a bound. */
export type ConstantWarmupOptions = Omit<Given, 'over' | 'until'> &
  ({ readonly rate?: never } | { readonly factor?: never }) &
  (
    | {
        readonly over: NonNullable<Given['over']>
        readonly until?: never
        readonly every?: never
      }
    | { readonly until: NonNullable<Given['until']>; readonly over?: never }
  )

/**
 * Constant warm-up: a small learning rate first, then the optimizer's own. A schedule may follow it in the list, as it
 * only scales the rate.
 *
 * @throws RangeError for an option out of its range
 * @example
 * composeRun([constantWarmup({ factor: 0.1, until: 0.8 }), cosineDecay()], { steps: 3910 })
 * @see He et al. 2016, section 4.2, https://arxiv.org/abs/1512.03385
 */
export function constantWarmup({ key, ...given }: ConstantWarmupOptions): Trick<{ warm: boolean }> {
  const { rate: fixed, factor, over, until, every } = constantWarmupOptions.parse(given)
  const check = (valid: boolean, option: Readonly<Record<string, unknown>>, range: string): void =>
    assertArgument(valid, 'constant-warmup', option, range)
  check(fixed === undefined || given.factor === undefined, { factor }, 'omitted if rate is given')
  const lasts = `${constantWarmupOptions.kinds.over.range}, if until is omitted`
  check(over !== undefined || until !== undefined, { over }, lasts)
  check(over === undefined || until === undefined, { over }, 'omitted if until is given')
  check(over === undefined || given.every === undefined, { every }, 'omitted if over is given')

  const small = (rate: number): number => fixed ?? rate * factor
  const common = { name: 'constant-warmup', key }
  const meanwhile = fixed === undefined ? { factor } : { rate: fixed }
  if (over)
    return {
      ...common,
      options: { ...meanwhile, over },
      learningRate: (rate, time) => (time.step < stepsOf(over, time) ? small(rate) : rate),
    }
  return {
    ...common,
    options: { ...meanwhile, until, every },
    start: () => ({ warm: false }),
    learningRate: (rate, _, { warm }) => (warm ? rate : small(rate)),
    observe: [
      {
        every,
        metrics({ accuracy }, _, state) {
          state.warm ||= 1 - accuracy < until!
        },
      },
    ],
  }
}
