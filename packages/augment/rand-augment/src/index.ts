import { assertArgument, type Trick } from '@tricks/core'
import { withDraws } from '@tricks/core/augmentation'
import { choice, defineOptions, integer, number, type OptionsOf } from '@tricks/core/options'
import {
  augmentationSpace,
  bins,
  drawnSteps,
  drawStep,
  type Magnitudes,
  posterizeBits,
  spaceParameters,
  type StepsParams,
} from '@tricks/operations'

export const randAugmentOptions = defineOptions('rand-augment', {
  /** Number of operations per image, applied in turn. */
  operations: integer({ min: 1, max: 32, default: 2 }),
  /** Strength of the operations, below `bins`. */
  magnitude: integer({ min: 0, default: 9 }),
  /** Number of magnitudes per operation. */
  bins,
  /** Value of pixels from outside the image: the data's mean, or a number. */
  fill: choice(['mean', number({ min: 0, max: 1 })], { default: 'mean' }),
})
export type RandAugmentOptions = OptionsOf<typeof randAugmentOptions>

const sizes = spaceParameters('rand-augment')

/**
 * The magnitudes of RandAugment's operations, equal to torchvision's.
 *
 * @param given `bins`, default 31, and the images' `height` and `width` in pixels
 * @returns by operation, in `applyOperation`'s units; Solarize's are fractions of 255
 * @throws RangeError for an option out of its range
 * @example
 * const { Rotate } = randAugmentMagnitudes({ bins: 31, height: 32, width: 32 })
 */
export function randAugmentMagnitudes(given: OptionsOf<typeof sizes>): Record<string, Magnitudes> {
  const { bins: count, height, width } = sizes.parse(given)
  return augmentationSpace(count, {
    shear: 0.3,
    translateX: (150 / 331) * width,
    translateY: (150 / 331) * height,
    rotate: 30,
    enhance: 0.9,
    posterize: posterizeBits(8, 4, count),
  })
}

/** The steps of each image. */
export type RandAugmentParams = StepsParams

/**
 * Applies a few operations of equal strength to each image. All operations are equally likely, as are both directions
 * of those that have one.
 *
 * @throws RangeError for an option out of its range, and unless the images have 1 or 3 channels
 * @example
 * compose([randomFlip(), randAugment({ operations: 2, magnitude: 9 })])
 * @see Cubuk et al. 2020, https://arxiv.org/abs/1909.13719; torchvision's `RandAugment`
 */
export function randAugment({ key, ...given }: RandAugmentOptions = {}): Trick {
  const options = randAugmentOptions.parse(given)
  const { magnitude } = options
  const below = magnitude < options.bins
  assertArgument(below, 'rand-augment', { magnitude }, `below ${options.bins}, the bins`)
  return {
    name: 'rand-augment',
    key,
    options,
    ...drawnSteps('rand-augment', {
      fill: options.fill,
      drawing({ height, width }) {
        const space = randAugmentMagnitudes({ bins: options.bins, height, width })
        return (image) =>
          Array.from({ length: options.operations }, () => drawStep(image, space, () => magnitude))
      },
    }),
  }
}

/**
 * Changes images with random draws, for a loop without a pipeline: `randAugment` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]
 * @returns images of the same shape
 * @example
 * const changed = randAugmentBatch(images, { seed: 1, step })
 */
export const randAugmentBatch = withDraws(randAugment)
