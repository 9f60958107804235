import { checked, defineParameters, integer, number, type OptionsOf } from '@tricks/core/options'

const rate = number({ above: 0 })
const gamma = number({ above: 0, below: 1 })
const regular = defineParameters('step-decay', { rate, size: integer({ min: 1 }), gamma })
const listed = defineParameters('step-decay', {
  rate,
  milestones: checked<readonly number[]>(
    'whole numbers of at least 0',
    (value) => Array.isArray(value) && value.every((each) => Number.isInteger(each) && each >= 0),
  ),
  gamma,
})

/**
 * A step decay as a function of the step t: rate · gamma^⌊t / size⌋.
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
export function stepSchedule(given: OptionsOf<typeof regular>): (t: number) => number {
  const { rate: start, size, gamma: factor } = regular.parse(given)
  return (t) => start * factor ** Math.floor(t / size)
}

/**
 * A multi-step decay as a function of the step t: rate · gamma to the number of milestones up to t.
 *
 * @param rate at t = 0, above 0
 * @param milestones whole numbers in any order; duplicates count twice
 * @param gamma in (0, 1)
 * @returns a pure function of t, a step or an epoch, from 0
 * @throws RangeError for an option out of its range
 * @example
 * multiStepSchedule({ rate: 0.1, milestones: [60, 120], gamma: 0.2 })(60) // 0.02
 * @see Zagoruyko and Komodakis 2016, https://arxiv.org/abs/1605.07146
 */
export function multiStepSchedule(given: OptionsOf<typeof listed>): (t: number) => number {
  const { rate: start, milestones, gamma: factor } = listed.parse(given)
  return (t) => start * factor ** milestones.filter((each) => each <= t).length
}
