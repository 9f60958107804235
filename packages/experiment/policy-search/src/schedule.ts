import type { Random, Time, Trick } from '@tricks/core'
import { withDraws } from '@tricks/core/augmentation'
import { checked, choice, defineOptions, number, type OptionsOf } from '@tricks/core/options'
import { magnitudeOf } from '@tricks/autoaugment'
import {
  applySteps,
  assertChannels,
  describeSteps,
  operations,
  type Step,
  type StepsParams,
} from '@tricks/operations'
import type { PopulationPolicy, PopulationStep } from './population.ts'

/** A part of a schedule: its policy holds up to this share of the run. */
export interface ScheduledPolicy {
  /** In (0, 1], rising. */
  readonly until: number
  readonly policy: PopulationPolicy
}
export type PolicySchedule = readonly ScheduledPolicy[]

export const scheduledAugmentOptions = defineOptions('scheduled-augment', {
  /** The policies of the parts of the run, as found by a search. */
  schedule: checked<PolicySchedule>(
    'a list of { until, policy } with rising shares of the run in (0, 1] and policies of [op, tenths from 0 to 10, strength from 0 to 9]',
    isSchedule,
  ),
  /** Value of pixels from outside the image: the data's mean, or a number. */
  fill: choice(['mean', number({ min: 0, max: 1 })], { default: 0.5 }),
})
export type ScheduledAugmentOptions = OptionsOf<typeof scheduledAugmentOptions>

function isSchedule(value: unknown): boolean {
  const within = (each: unknown, most: number): boolean =>
    Number.isInteger(each) && (each as number) >= 0 && (each as number) <= most
  const isStep = (step: unknown): boolean =>
    Array.isArray(step) &&
    step.length === 3 &&
    operations.includes(step[0] as never) &&
    step[0] !== 'SamplePairing' &&
    within(step[1], 10) &&
    within(step[2], 9)
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((part: Partial<ScheduledPolicy> | null, i) => {
      const before = i === 0 ? 0 : (value[i - 1] as ScheduledPolicy).until
      const { until, policy } = part ?? {}
      return (
        typeof until === 'number' &&
        until > before &&
        until <= 1 &&
        Array.isArray(policy) &&
        policy.length <= 1000 &&
        policy.every(isStep)
      )
    })
  )
}

/** Numbers of operations per image, with the paper's probabilities. */
const counts = [0.2, 0.3, 0.5] as const

/** Draws an image's operations: a count, then operations in random order, each with its probability, up to that count. */
function drawSteps(
  random: Random,
  policy: PopulationPolicy,
  [height, width]: readonly [number, number],
): Step[] {
  const drawn = random.uniform()
  const count = drawn < counts[0] ? 0 : drawn < counts[0] + counts[1] ? 1 : 2
  const steps: Step[] = []
  for (const index of random.permutation(policy.length)) {
    if (steps.length === count) break
    const [op, tenths, strength]: PopulationStep = policy[index]!
    if (random.uniform() >= tenths / 10) continue
    const magnitude = magnitudeOf(op, strength, [height, width], random.uniform() < 0.5)
    const center = [random.integer(0, height), random.integer(0, width)] as const
    steps.push(op === 'Cutout' ? { op, magnitude, center } : { op, magnitude })
  }
  return steps
}

/** The current policy; after the last part's end, the last one. */
function policyAt(schedule: PolicySchedule, { step, steps }: Time): PopulationPolicy {
  const share = Number.isFinite(steps) ? step / steps : 0
  return (schedule.find(({ until }) => share < until) ?? schedule.at(-1)!).policy
}

/**
 * Follows a schedule of policies over the run, such as those that Population Based Augmentation finds. As its parts are
 * shares of the run, it fits runs of any length. Zero, one or two operations are applied to an image, with probabilities of
 * 0.2, 0.3 and 0.5.
 *
 * @throws RangeError for an option out of its range; Error if the number of steps is unknown
 * @example
 * const policy = [['Rotate', 5, 4], ['Color', 10, 7]] as const
 * const schedule = [{ until: 0.5, policy: [] }, { until: 1, policy }]
 * compose([scheduledAugment({ schedule }), randomCrop(), randomFlip()], { steps: 1000 })
 * @see Ho et al. 2019, https://arxiv.org/abs/1905.05393
 */
export function scheduledAugment({ key, ...given }: ScheduledAugmentOptions): Trick {
  const options = scheduledAugmentOptions.parse(given)
  const { schedule, fill } = options
  const used = schedule.flatMap(({ policy }) => policy.map(([op]) => op))
  const check = ({ channels }: { channels: number }): void =>
    assertChannels(used, channels, 'scheduled-augment')
  return {
    name: 'scheduled-augment',
    key,
    options: options as never,
    start: ({ data }) => check(data),
    images: {
      draw(random, shape, time): StepsParams {
        check(shape)
        const policy = policyAt(schedule, time)
        const { batch, height, width } = shape
        const steps = random.images(batch, (image) => drawSteps(image, policy, [height, width]))
        return { steps, fill: fill === 'mean' ? shape.mean : fill }
      },
      apply: (images, params: StepsParams) => applySteps(images, params, 'scheduled-augment'),
      describe: ({ steps }: StepsParams, image) => describeSteps(steps[image]!),
    },
  }
}

/**
 * Changes images with random draws, for a loop without a pipeline: `scheduledAugment` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]
 * @returns images of the same shape
 * @example
 * const schedule = [{ until: 1, policy: [['Rotate', 5, 4]] }] as const
 * const changed = scheduledAugmentBatch(images, { schedule, seed: 1, step })
 */
export const scheduledAugmentBatch = withDraws(scheduledAugment)
