import { assertOption } from '@tricks/core'

const name = 'step-decay'

/**
 * The rate at step t: rate · gamma^⌊t / size⌋.
 *
 * @param rate at t = 0, above 0
 * @param size a positive integer
 * @param gamma in (0, 1)
 * @returns a pure function of t, a step or an epoch, from 0
 * @throws RangeError for an option out of its range
 * @example
 * stepSchedule({ rate: 0.1, size: 30, gamma: 0.1 })(30) // 0.01
 * @see He et al. 2016, https://arxiv.org/abs/1512.03385
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
  checkRates(rate, gamma)
  assertOption(size > 0 && Number.isInteger(size), name, { size }, 'a positive integer')
  return (t) => rate * gamma ** Math.floor(t / size)
}

/**
 * The rate at step t: rate · gamma to the number of milestones that are at most t.
 *
 * @param rate at t = 0, above 0
 * @param milestones whole numbers in any order; one that stands there twice counts twice
 * @param gamma in (0, 1)
 * @returns a pure function of t, a step or an epoch, from 0
 * @throws RangeError for an option out of its range
 * @example
 * multiStepSchedule({ rate: 0.1, milestones: [60, 120], gamma: 0.2 })(60) // 0.02
 * @see Zagoruyko and Komodakis 2016, https://arxiv.org/abs/1605.07146
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
  checkRates(rate, gamma)
  const whole = milestones.every((each) => Number.isInteger(each) && each >= 0)
  assertOption(whole, name, { milestones }, 'whole numbers of at least 0')
  return (t) => rate * gamma ** milestones.filter((each) => each <= t).length
}

function checkRates(rate: number, gamma: number): void {
  assertOption(rate > 0 && Number.isFinite(rate), name, { rate }, 'a number above 0')
  assertOption(gamma > 0 && gamma < 1, name, { gamma }, 'a number in (0, 1)')
}
