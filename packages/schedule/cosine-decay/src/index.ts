import { assertOption, type Duration, isDuration, stepsOf, type Trick } from '@tricks/core'

export interface CosineDecayOptions {
  /** How long it falls; default to the end of the run. After it the rate stays at its lowest. */
  readonly over?: Duration
  /** The lowest rate, at least 0; default 0. */
  readonly min?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/**
 * The rate at step t: min + (rate − min) · (1 + cos(π t / steps)) / 2, and min from `steps` on.
 *
 * @param rate the rate at t = 0, above 0
 * @param steps a whole number above 0
 * @param min default 0
 * @returns a pure function of t, a step or an epoch, from 0
 * @throws RangeError for an option out of its range
 * @example
 * cosineSchedule({ rate: 0.1, steps: 100 })(50) // 0.05
 * @see Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983
 */
export function cosineSchedule({
  rate,
  steps,
  min = 0,
}: {
  readonly rate: number
  readonly steps: number
  readonly min?: number
}): (t: number) => number {
  assertOption(rate > 0 && Number.isFinite(rate), 'cosine-decay', { rate }, 'a number above 0')
  assertOption(
    steps > 0 && Number.isInteger(steps),
    'cosine-decay',
    { steps },
    'a positive integer',
  )
  assertOption(
    min >= 0 && min <= rate,
    'cosine-decay',
    { min },
    `a number in [0, ${rate}], the rate`,
  )
  return (t) => min + ((rate - min) * (1 + Math.cos(Math.PI * Math.min(1, t / steps)))) / 2
}

/**
 * Takes the learning rate down along half a cosine.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([cosineDecay()], { steps: 3910 })
 * @see Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983
 */
export function cosineDecay({
  over = { fraction: 1 },
  min = 0,
  key,
}: CosineDecayOptions = {}): Trick {
  assertOption(
    isDuration(over),
    'cosine-decay',
    { over },
    'one of { steps }, { epochs } and { fraction }',
  )
  assertOption(min >= 0 && Number.isFinite(min), 'cosine-decay', { min }, 'a number of at least 0')
  return {
    name: 'cosine-decay',
    key,
    options: { over, min },
    setsRate: true,
    learningRate: (rate, time) =>
      cosineSchedule({ rate, steps: Math.max(1, stepsOf(over, time)), min })(time.step),
  }
}
