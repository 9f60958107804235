import type * as tf from '@tensorflow/tfjs-core'
import type { Random, Trick } from '@tricks/core'
import { withDraws } from '@tricks/core/augmentation'
import { checked, choice, defineOptions, number, type OptionsOf } from '@tricks/core/options'
import { applySteps, drawnSteps, type Step, type StepsParams } from '@tricks/operations'
import { policies } from './policies.ts'
import { checkPolicy, magnitudeOf, type Policy, type PolicyStep } from './policy.ts'
export {
  applyOperation,
  type Operation,
  type OperationParams,
  operations,
  type Step,
} from '@tricks/operations'
export { policies } from './policies.ts'
export { magnitudeOf, type Policy, type PolicyStep } from './policy.ts'

export const autoAugmentOptions = defineOptions('autoaugment', {
  /** A learned policy, named after its data set, or your own. */
  policy: choice(
    [
      'cifar10',
      'svhn',
      'imagenet',
      checked<Policy>(
        'a list of sub-policies, each a list of [op, probability, magnitude]',
        Array.isArray,
      ),
    ],
    { default: 'cifar10' },
  ),
  /** Value of pixels from outside the image: the data's mean, or a number. */
  fill: choice(['mean', number({ min: 0, max: 1 })], { default: 0.5 }),
})
export type AutoAugmentOptions = OptionsOf<typeof autoAugmentOptions>

export type AutoAugmentParams = StepsParams

/**
 * Applies a list of operations to each image, on the grid k / 255, to which images with operations are rounded.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]; Color and Contrast need 1 or 3 channels
 * @returns images of the same shape
 * @throws RangeError unless there is one list of steps per image, and one fill in all or per channel
 * @example
 * applyAutoAugment(images, { steps: [[{ op: 'Rotate', magnitude: 30 }], []], fill: 0.5 }) // for two images
 * @see Cubuk et al. 2019, https://arxiv.org/abs/1805.09501
 */
export function applyAutoAugment(images: tf.Tensor4D, params: AutoAugmentParams): tf.Tensor4D {
  return applySteps(images, params, 'autoaugment')
}

/**
 * Changes each image by a random sub-policy: each operation has its own probability, and operations with a direction
 * get a random sign.
 *
 * @throws RangeError for an option out of its range; for an invalid policy, naming the invalid position
 * @example
 * compose([randomCrop(), randomFlip(), autoAugment({ policy: 'cifar10' }), cutout()])
 * @see Cubuk et al. 2019, https://arxiv.org/abs/1805.09501
 */
export function autoAugment({ key, ...given }: AutoAugmentOptions = {}): Trick {
  const options = autoAugmentOptions.parse(given)
  const { fill } = options
  const policy = typeof options.policy === 'string' ? policies[options.policy] : options.policy
  checkPolicy(policy)
  return {
    name: 'autoaugment',
    key,
    options,
    ...drawnSteps('autoaugment', {
      fill,
      used: policy.flat().map(([op]) => op),
      drawing: (shape) => (image) =>
        policy[image.integer(0, policy.length)]!.map((step) => drawStep(image, step, shape)),
    }),
  }
}

/** Makes all draws even if the step is skipped, so that later draws don't depend on it. */
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

/**
 * Applies a policy with random draws, for a loop without a pipeline: `autoAugment` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]
 * @returns images of the same shape
 * @example
 * const changed = autoAugmentBatch(images, { policy: 'imagenet', seed: 1, step })
 */
export const autoAugmentBatch = withDraws(autoAugment)
