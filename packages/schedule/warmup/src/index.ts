import {
  assertOption,
  type Duration,
  isDuration,
  type States,
  stepsOf,
  type Trick,
} from '@tricks/core'
import { onOwnClock } from './after.ts'
export { constantWarmup, type ConstantWarmupOptions } from './constant.ts'

export interface WarmupOptions {
  /** The rate grows to multiplier × the optimizer's, a number above 1. */
  readonly multiplier: number
  /** How long it grows. */
  readonly over: Duration
  /** What sets the rate from then on, on its own clock; default the rate stays. */
  readonly after?: Trick
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/**
 * The rate at step t: rate · (1 + (multiplier − 1) · t / steps) up to `steps`, then `after(t − steps)`, or
 * rate · multiplier without it.
 *
 * @param rate at t = 0, above 0
 * @param multiplier above 1
 * @param steps a positive integer
 * @param after a schedule of its own clock, which starts where the warm-up ends
 * @returns a function of t, a step or an epoch, from 0
 * @throws RangeError for an option out of its range
 * @example
 * const rate = warmupSchedule({ rate: 0.0125, multiplier: 8, steps: 5, after: (t) => 0.1 * 0.9 ** t })
 * rate(0) // 0.0125
 * rate(5) // 0.1
 * @see Goyal et al. 2017, https://arxiv.org/abs/1706.02677
 */
export function warmupSchedule({
  rate,
  multiplier,
  steps,
  after,
}: {
  readonly rate: number
  readonly multiplier: number
  readonly steps: number
  readonly after?: (t: number) => number
}): (t: number) => number {
  assertOption(rate > 0 && Number.isFinite(rate), 'warmup', { rate }, 'a number above 0')
  assertOption(
    multiplier > 1 && Number.isFinite(multiplier),
    'warmup',
    { multiplier },
    'a number above 1',
  )
  assertOption(steps > 0 && Number.isInteger(steps), 'warmup', { steps }, 'a positive integer')
  return (t) => {
    if (t >= steps) return after ? after(t - steps) : rate * multiplier
    return rate * (1 + ((multiplier - 1) * t) / steps)
  }
}

/**
 * Gradual warm-up: grows the learning rate from the optimizer's own to `multiplier` times it, then hands over.
 * With the rate scaled for a large batch, give the optimizer the small batch's rate.
 *
 * @throws RangeError for an option out of its range; Error for an `after` that doesn't set the rate
 * @example
 * compose([warmup({ multiplier: 8, over: { epochs: 5 }, after: cosineDecay() })], { steps: 3910, stepsPerEpoch: 391 })
 * @see Goyal et al. 2017, https://arxiv.org/abs/1706.02677
 */
export function warmup({ multiplier, over, after, key }: WarmupOptions): Trick<States> {
  assertOption(
    multiplier > 1 && Number.isFinite(multiplier),
    'warmup',
    { multiplier },
    'a number above 1',
  )
  assertOption(
    isDuration(over),
    'warmup',
    { over },
    'one of { steps }, { epochs } and { fraction }',
  )
  if (after !== undefined) {
    const trick = typeof after === 'object' && after !== null && typeof after.name === 'string'
    assertOption(trick, 'warmup', { after }, 'a trick that sets the learning rate')
    if (!after.learningRate)
      throw new Error(`warmup: after: '${after.name}' can't follow, as it sets no learning rate`)
  }
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
