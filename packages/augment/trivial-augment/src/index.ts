import { type Trick } from '@tricks/core'
import { withDraws } from '@tricks/core/augmentation'
import { choice, defineOptions, number, type OptionsOf } from '@tricks/core/options'
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

export const trivialAugmentOptions = defineOptions('trivial-augment', {
  /** Number of magnitudes per operation. */
  bins,
  /** Value of pixels from outside the image: the data's mean, or a number. */
  fill: choice(['mean', number({ min: 0, max: 1 })], { default: 'mean' }),
})
export type TrivialAugmentOptions = OptionsOf<typeof trivialAugmentOptions>

const sizes = spaceParameters('trivial-augment')

/**
 * The magnitudes of TrivialAugment's operations (the wide space), equal to torchvision's. They don't depend on the
 * image size.
 *
 * @param given `bins`, default 31, and the images' `height` and `width` in pixels
 * @returns by operation, in `applyOperation`'s units; Solarize's are fractions of 255
 * @throws RangeError for an option out of its range
 * @example
 * const { Rotate } = trivialAugmentMagnitudes({ bins: 31, height: 32, width: 32 })
 */
export function trivialAugmentMagnitudes(
  given: OptionsOf<typeof sizes>,
): Record<string, Magnitudes> {
  const { bins: count } = sizes.parse(given)
  return augmentationSpace(count, {
    shear: 0.99,
    translateX: 32,
    translateY: 32,
    rotate: 135,
    enhance: 0.99,
    posterize: posterizeBits(8, 2, count, 'difference'),
  })
}

/** The steps of each image. */
export type TrivialAugmentParams = StepsParams

/**
 * Applies one operation of random strength to each image. All operations, strengths and directions are equally likely.
 *
 * @throws RangeError for an option out of its range, and unless the images have 1 or 3 channels
 * @example
 * compose([randomFlip(), trivialAugment()])
 * @see Müller and Hutter 2021, https://arxiv.org/abs/2103.10158; torchvision's `TrivialAugmentWide`
 */
export function trivialAugment({ key, ...given }: TrivialAugmentOptions = {}): Trick {
  const options = trivialAugmentOptions.parse(given)
  return {
    name: 'trivial-augment',
    key,
    options,
    ...drawnSteps('trivial-augment', {
      fill: options.fill,
      drawing({ height, width }) {
        const space = trivialAugmentMagnitudes({ bins: options.bins, height, width })
        return (image) => [drawStep(image, space, (stream) => stream.integer(0, options.bins))]
      },
    }),
  }
}

/**
 * Changes images with random draws, for a loop without a pipeline: `trivialAugment` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]
 * @returns images of the same shape
 * @example
 * const changed = trivialAugmentBatch(images, { seed: 1, step })
 */
export const trivialAugmentBatch = withDraws(trivialAugment)
