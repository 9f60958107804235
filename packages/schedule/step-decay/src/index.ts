import {
  assertOption,
  type Duration,
  isDuration,
  stepsOf,
  type Time,
  type Trick,
} from '@tricks/core'
import { multiStepSchedule, stepSchedule } from './schedule.ts'

export { multiStepSchedule, stepSchedule }

const name = 'step-decay'

/** Cuts every so often, or at milestones. */
export type StepDecayOptions = {
  /** What the rate is multiplied by at a cut, in (0, 1); default 0.1. */
  readonly gamma?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
} & (
  | {
      /** From one cut to the next; default `{ epochs: 30 }`. */
      readonly every?: Duration
      readonly milestones?: never
    }
  | {
      /** When the rate is cut, counted from the start. */
      readonly milestones: readonly Duration[]
      readonly every?: never
    }
)

/**
 * Multiplies the learning rate by gamma every so often, or at milestones.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([stepDecay({ milestones: [{ epochs: 60 }, { epochs: 120 }], gamma: 0.2 })], { stepsPerEpoch: 391 })
 * @see He et al. 2016, https://arxiv.org/abs/1512.03385
 */
export function stepDecay({ gamma = 0.1, every, milestones, key }: StepDecayOptions = {}): Trick {
  assertOption(gamma > 0 && gamma < 1, name, { gamma }, 'a number in (0, 1)')
  if (milestones === undefined) {
    const size = every ?? { epochs: 30 }
    const valid = isDuration(size) && Object.values(size)[0] > 0
    assertOption(valid, name, { every }, 'one of { steps }, { epochs } and { fraction }, above 0')
    return {
      name,
      key,
      options: { gamma, every: size },
      setsRate: true,
      learningRate: (rate, time) =>
        stepSchedule({ rate, size: Math.max(1, stepsOf(size, time)), gamma })(time.step),
    }
  }
  const valid = Array.isArray(milestones) && milestones.every(isDuration)
  assertOption(valid, name, { milestones }, 'a list of { steps }, { epochs } or { fraction }')
  assertOption(every === undefined, name, { every }, 'left out where there are milestones')
  const steps = (time: Time): number[] => milestones.map((each) => stepsOf(each, time))
  return {
    name,
    key,
    options: { gamma, milestones },
    setsRate: true,
    learningRate: (rate, time) =>
      multiStepSchedule({ rate, milestones: steps(time), gamma })(time.step),
  }
}
