import { assertOption, type Random, type Trick } from '@tricks/core'
import { applyAutoAugment, type AutoAugmentParams } from './apply.ts'
import type { Step } from './operation.ts'
import { policies } from './policies.ts'
import { checkPolicy, magnitudeOf, type Policy, type PolicyStep } from './policy.ts'
export {
  applyAutoAugment,
  applyOperation,
  type AutoAugmentParams,
  type OperationParams,
} from './apply.ts'
export { type Operation, operations, type Step } from './operation.ts'
export { policies } from './policies.ts'
export { magnitudeOf, type Policy, type PolicyStep } from './policy.ts'

export interface AutoAugmentOptions {
  /** A learned policy, by the data that it was learned on (default 'cifar10'), or one of your own. */
  readonly policy?: 'cifar10' | 'svhn' | 'imagenet' | Policy
  /** What shows where nothing is: a value in [0, 1], default 0.5, or the data's mean. */
  readonly fill?: 'mean' | number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/**
 * Changes each image by a sub-policy drawn from a policy: operations that each happen with a probability of
 * their own, those that go either way with a random sign.
 *
 * @throws RangeError for a policy that is none, saying where, and for a fill that is none
 * @example
 * compose([randomCrop(), randomFlip(), autoAugment({ policy: 'cifar10' }), cutout()])
 * @see Cubuk et al. 2019, https://arxiv.org/abs/1805.09501
 */
export function autoAugment({
  policy = 'cifar10',
  fill = 0.5,
  key,
}: AutoAugmentOptions = {}): Trick {
  const learned = Object.keys(policies)
  const known = typeof policy !== 'string' || learned.includes(policy)
  assertOption(known, 'autoaugment', { policy }, `one of ${learned.join(', ')}, or a list`)
  const list = typeof policy === 'string' ? policies[policy] : policy
  checkPolicy(list)
  const value = fill === 'mean' || (typeof fill === 'number' && fill >= 0 && fill <= 1)
  assertOption(value, 'autoaugment', { fill }, "'mean' or a number in [0, 1]")
  return {
    name: 'autoaugment',
    key,
    options: { policy, fill },
    images: {
      draw(random, { batch, height, width, mean }): AutoAugmentParams {
        const steps = random.images(batch, (image) => {
          const chosen = list[image.integer(0, list.length)]!
          return chosen.map((step) => drawStep(image, step, { batch, height, width }))
        })
        return { steps, fill: fill === 'mean' ? mean : fill }
      },
      apply: (images, params) => applyAutoAugment(images, params as AutoAugmentParams),
    },
  }
}

/** All is drawn, whether or not the step happens, so that it leaves those after it as they were. */
function drawStep(
  random: Random,
  [op, probability, strength]: PolicyStep,
  { batch, height, width }: { batch: number; height: number; width: number },
): Step | null {
  const happens = random.uniform() < probability
  const magnitude = magnitudeOf(op, strength, [height, width], random.uniform() < 0.5)
  const center = [random.integer(0, height), random.integer(0, width)] as const
  const partner = Math.floor(random.uniform() * batch)
  if (!happens) return null
  if (op === 'Cutout') return { op, magnitude, center }
  return op === 'SamplePairing' ? { op, magnitude, partner } : { op, magnitude }
}
