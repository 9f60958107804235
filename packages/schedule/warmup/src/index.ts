import { stepsOf, type Trick } from '@tricks/core'
import { type States } from '@tricks/core/run'
import {
  checked,
  defineOptions,
  defineParameters,
  duration,
  integer,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'
import { onOwnClock } from './after.ts'
export { constantWarmup, type ConstantWarmupOptions, constantWarmupOptions } from './constant.ts'

export const warmupOptions = defineOptions('warmup', {
  /** The rate grows from the optimizer's own to `multiplier` times it. */
  multiplier: number({ above: 1, scale: 'log' }),
  /** Duration of the warm-up. */
  over: duration(),
  /** The trick that sets the rate afterwards; its steps count from the end of the warm-up. @defaultValue the rate is constant */
  after: optional(
    checked<Trick>(
      'a trick that sets the learning rate',
      (value) => typeof (value as Partial<Trick> | null)?.name === 'string',
    ),
  ),
})
export type WarmupOptions = OptionsOf<typeof warmupOptions>

const parameters = defineParameters('warmup', {
  rate: number({ above: 0 }),
  multiplier: warmupOptions.kinds.multiplier,
  steps: integer({ min: 1 }),
  after: optional(
    checked<(t: number) => number>('a function of t', (value) => typeof value === 'function'),
  ),
})

/**
 * A warm-up as a function of the step t: rate · (1 + (multiplier − 1) · t / steps) up to `steps`, then `after(t −
 * steps)`, or rate · multiplier without it.
 *
 * @param rate at t = 0, above 0
 * @param multiplier above 1
 * @param steps a positive integer
 * @param after a schedule whose steps count from the end of the warm-up
 * @returns a function of t, a step or an epoch, from 0
 * @throws RangeError for an option out of its range
 * @example
 * const rate = warmupSchedule({ rate: 0.0125, multiplier: 8, steps: 5, after: (t) => 0.1 * 0.9 ** t })
 * rate(0) // 0.0125
 * rate(5) // 0.1
 * @see Goyal et al. 2017, https://arxiv.org/abs/1706.02677
 */
export function warmupSchedule(given: OptionsOf<typeof parameters>): (t: number) => number {
  const { rate, multiplier, steps, after } = parameters.parse(given)
  return (t) => {
    if (t >= steps) return after ? after(t - steps) : rate * multiplier
    return rate * (1 + ((multiplier - 1) * t) / steps)
  }
}

/**
 * Gradual warm-up: raises the learning rate from the optimizer's own to `multiplier` times it, then hands over. If the
 * rate is scaled for a large batch, give the optimizer the rate for the small batch.
 *
 * @throws RangeError for an option out of its range; Error for an `after` that doesn't set the rate
 * @example
 * compose([warmup({ multiplier: 8, over: { epochs: 5 }, after: cosineDecay() })], { steps: 3910, stepsPerEpoch: 391 })
 * @see Goyal et al. 2017, https://arxiv.org/abs/1706.02677
 */
export function warmup({ key, ...given }: WarmupOptions): Trick<States> {
  const { multiplier, over, after } = warmupOptions.parse(given)
  if (after && !after.learningRate)
    throw new Error(
      `warmup: after: '${after.name}' can't follow, as it does not set the learning rate`,
    )
  const follow = after && onOwnClock(after, over)
  return {
    ...follow,
    name: 'warmup',
    key,
    options: { multiplier, over },
    ...(after && { tricks: [after] }),
    setsRate: true,
    learningRate(rate, time, states) {
      const steps = stepsOf(over, time)
      if (time.step >= steps)
        return follow?.learningRate!(rate * multiplier, time, states) ?? rate * multiplier
      return warmupSchedule({ rate, multiplier, steps })(time.step)
    },
  }
}
