import { assertOption, type Duration, isDuration, stepsOf, type Trick } from '@tricks/core'

export interface StepDecayOptions {
  /** How often the rate is cut, above 0; give this or `milestones`. */
  readonly size?: Duration
  /** When the rate is cut, counted from the start. */
  readonly milestones?: readonly Duration[]
  /** The rate is multiplied by this at each cut, in (0, 1); default 0.1. */
  readonly gamma?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/**
 * The rate at step t: rate · gamma^⌊t / size⌋.
 *
 * @param rate the rate at t = 0, above 0
 * @param size a positive integer
 * @param gamma in (0, 1)
 * @returns a pure function of t, a step or an epoch, from 0
 * @throws RangeError for an option out of its range
 * @example
 * stepSchedule({ rate: 1, size: 30, gamma: 0.5 })(60) // 0.25
 */
export function stepSchedule({
  rate,
  size,
  gamma,
}: {
  readonly rate: number
  readonly size: number
  readonly gamma: number
}): (t: number) => number {
  assertRates({ rate, gamma })
  assertOption(Number.isInteger(size) && size > 0, 'step-decay', { size }, 'a positive integer')
  return (t) => rate * gamma ** Math.floor(t / size)
}

/**
 * The rate at step t: rate · gamma^n, n the milestones that t has reached.
 *
 * @param rate the rate at t = 0, above 0
 * @param milestones whole numbers of at least 0, in any order
 * @param gamma in (0, 1)
 * @returns a pure function of t, a step or an epoch, from 0
 * @throws RangeError for an option out of its range
 * @example
 * multiStepSchedule({ rate: 1, milestones: [30, 60], gamma: 0.5 })(45) // 0.5
 */
export function multiStepSchedule({
  rate,
  milestones,
  gamma,
}: {
  readonly rate: number
  readonly milestones: readonly number[]
  readonly gamma: number
}): (t: number) => number {
  assertRates({ rate, gamma })
  const whole = milestones.every((each) => Number.isInteger(each) && each >= 0)
  assertOption(whole, 'step-decay', { milestones }, 'whole numbers of at least 0')
  return (t) => rate * gamma ** milestones.filter((milestone) => t >= milestone).length
}

/**
 * Cuts the learning rate every so often, or at milestones.
 *
 * @throws RangeError for an option out of its range, and where not just one of size and milestones is given
 * @example
 * compose([stepDecay({ milestones: [{ fraction: 0.5 }, { fraction: 0.75 }] })], { steps: 3910 })
 * @see He et al. 2016, https://arxiv.org/abs/1512.03385
 */
export function stepDecay({ size, milestones, gamma = 0.1, key }: StepDecayOptions): Trick {
  assertRates({ gamma })
  const one = (size === undefined) !== (milestones === undefined)
  assertOption(one, 'step-decay', { size }, 'given, or milestones in its place')
  const unit = 'one of { steps }, { epochs } and { fraction }'
  if (size !== undefined) {
    const valid = isDuration(size) && Object.values(size).every((amount) => amount > 0)
    assertOption(valid, 'step-decay', { size }, `${unit}, above 0`)
  }
  for (const milestone of milestones ?? [])
    assertOption(isDuration(milestone), 'step-decay', { milestones: milestone }, unit)
  return {
    name: 'step-decay',
    key,
    options: { size, milestones, gamma },
    setsRate: true,
    learningRate: (rate, time) =>
      size !== undefined
        ? stepSchedule({ rate, size: Math.max(1, stepsOf(size, time)), gamma })(time.step)
        : multiStepSchedule({
            rate,
            milestones: milestones!.map((milestone) => Math.round(stepsOf(milestone, time))),
            gamma,
          })(time.step),
  }
}

function assertRates({ rate, gamma }: { readonly rate?: number; readonly gamma: number }): void {
  if (rate !== undefined)
    assertOption(rate > 0 && Number.isFinite(rate), 'step-decay', { rate }, 'a number above 0')
  assertOption(gamma > 0 && gamma < 1, 'step-decay', { gamma }, 'a number in (0, 1)')
}
