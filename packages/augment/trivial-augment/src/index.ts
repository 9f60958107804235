import { type Trick } from '@tricks/core'
import { withDraws } from '@tricks/core/augmentation'
import {
  choice,
  defineOptions,
  defineParameters,
  integer,
  number,
  type OptionsOf,
} from '@tricks/core/options'
import {
  applySteps,
  assertChannels,
  describeSteps,
  drawStep,
  linear,
  type Magnitudes,
  operations,
  posterizeBits,
  type StepsParams,
} from '@tricks/operations'

const bins = integer({ min: 2, max: 10_000, default: 31 })

export const trivialAugmentOptions = defineOptions('trivial-augment', {
  /** Number of magnitudes per operation. */
  bins,
  /** Value of pixels from outside the image: the data's mean, or a number. */
  fill: choice(['mean', number({ min: 0, max: 1 })], { default: 'mean' }),
})
export type TrivialAugmentOptions = OptionsOf<typeof trivialAugmentOptions>

const sizes = defineParameters('trivial-augment', {
  bins,
  height: integer({ min: 1 }),
  width: integer({ min: 1 }),
})

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
  const even = (most: number): Magnitudes => ({ magnitudes: linear(0, most, count), signed: true })
  const none: Magnitudes = { magnitudes: null, signed: false }
  return {
    Identity: none,
    ShearX: even(0.99),
    ShearY: even(0.99),
    TranslateX: even(32),
    TranslateY: even(32),
    Rotate: even(135),
    Brightness: even(0.99),
    Color: even(0.99),
    Contrast: even(0.99),
    Sharpness: even(0.99),
    Posterize: { magnitudes: posterizeBits(8, 2, count, 'difference'), signed: false },
    Solarize: { magnitudes: linear(1, 0, count), signed: false },
    AutoContrast: none,
    Equalize: none,
  }
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
  // Checks all operations that may be drawn, so that the seed makes no difference.
  const check = ({ channels }: { channels: number }): void =>
    assertChannels(operations, channels, 'trivial-augment')
  return {
    name: 'trivial-augment',
    key,
    options,
    start: ({ data }) => check(data),
    images: {
      draw(random, shape): TrivialAugmentParams {
        check(shape)
        const { height, width } = shape
        const space = trivialAugmentMagnitudes({ bins: options.bins, height, width })
        const steps = random.images(shape.batch, (image) => [
          drawStep(image, space, (stream) => stream.integer(0, options.bins)),
        ])
        return { steps, fill: options.fill === 'mean' ? shape.mean : options.fill }
      },
      apply: (images, params: TrivialAugmentParams) =>
        applySteps(images, params, 'trivial-augment'),
      describe: ({ steps }: TrivialAugmentParams, image) => describeSteps(steps[image]!),
    },
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
