import { assertArgument, type Duration, stepsOf, type Trick } from '@tricks/core'
import { isDuration } from '@tricks/core/options'
import {
  checked,
  defineOptions,
  duration,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'
import { multiStepSchedule, stepSchedule } from './schedule.ts'

export { multiStepSchedule, stepSchedule }

export const stepDecayOptions = defineOptions('step-decay', {
  /** Factor by which a cut multiplies the rate. */
  gamma: number({ above: 0, below: 1, default: 0.1 }),
  /** Interval between cuts. */
  every: duration({ above: 0, default: { epochs: 30 } }),
  /** When the rate is cut, from the start of the run, instead of `every`. */
  milestones: optional(
    checked<readonly Duration[]>(
      'a list of { steps }, { epochs } or { fraction }',
      (value) => Array.isArray(value) && value.every(isDuration),
    ),
  ),
})
/** When to cut the rate: at regular intervals, or at milestones. */
export type StepDecayOptions = OptionsOf<typeof stepDecayOptions> &
  ({ readonly milestones?: never } | { readonly every?: never })

/**
 * Multiplies the learning rate by gamma at regular intervals, or at milestones.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([stepDecay({ milestones: [{ epochs: 60 }, { epochs: 120 }], gamma: 0.2 })], { stepsPerEpoch: 391 })
 * @see He et al. 2016, https://arxiv.org/abs/1512.03385
 */
export function stepDecay({ key, ...given }: StepDecayOptions = {}): Trick {
  const { gamma, every, milestones } = stepDecayOptions.parse(given)
  const one = given.every === undefined || milestones === undefined
  assertArgument(one, 'step-decay', { every }, 'omitted if milestones are given')
  return {
    name: 'step-decay',
    key,
    options: milestones ? { gamma, milestones } : { gamma, every },
    setsRate: true,
    learningRate(rate, time) {
      const steps = (each: Duration): number => stepsOf(each, time)
      const schedule = milestones
        ? multiStepSchedule({ rate, milestones: milestones.map(steps), gamma })
        : stepSchedule({ rate, size: Math.max(1, steps(every)), gamma })
      return schedule(time.step)
    },
  }
}
