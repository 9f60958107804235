import type * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import { arrangePixels, copyBox, withDraws } from '@tricks/core/augmentation'
import { choice, defineOptions, number, type OptionsOf } from '@tricks/core/options'

export const randomFlipOptions = defineOptions('random-flip', {
  /** Probability that an image is flipped. */
  probability: number({ min: 0, max: 1, default: 0.5 }),
  /** `'horizontal'` swaps left and right, `'vertical'` top and bottom. */
  direction: choice(['horizontal', 'vertical'], { default: 'horizontal' }),
})
export type RandomFlipOptions = OptionsOf<typeof randomFlipOptions>

export interface FlipParams {
  /** Whether to flip, one per image. */
  readonly flips: readonly boolean[]
  /** Default 'horizontal'. */
  readonly direction?: 'horizontal' | 'vertical'
}

/**
 * Mirrors the images whose flip is true: out[r, c] = image[r, width − 1 − c].
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns images of the same shape; pixels are copied exactly
 * @throws RangeError unless there is one flip per image, and for an unknown direction
 * @example
 * applyRandomFlip(images, { flips: [true, false] }) // for two images
 * @see Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks"
 */
export function applyRandomFlip(
  images: tf.Tensor4D,
  { flips, direction = 'horizontal' }: FlipParams,
): tf.Tensor4D {
  const [batch, height, width] = images.shape
  const range = `${batch} booleans, one per image`
  assertArgument(flips.length === batch, 'random-flip', { flips }, range)
  randomFlipOptions.parse({ direction })

  const [over, across] = direction === 'vertical' ? [true, false] : [false, true]
  return arrangePixels(images, (image, program) => {
    const [down, right] = [flips[image] && over ? -1 : 1, flips[image] && across ? -1 : 1]
    const [row, column] = [down < 0 ? height - 1 : 0, right < 0 ? width - 1 : 0]
    copyBox(program, [0, 0, height, width], image, row, column, down, right)
  })
}

/**
 * Flips each image with a given probability.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([randomFlip()])
 * @see Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks"
 */
export function randomFlip({ key, ...given }: RandomFlipOptions = {}): Trick {
  const options = randomFlipOptions.parse(given)
  const { probability, direction } = options
  return {
    name: 'random-flip',
    key,
    options,
    images: {
      draw: (random, { batch }): FlipParams => ({
        flips: random.images(batch, (image) => image.uniform() < probability),
        direction,
      }),
      apply: applyRandomFlip,
      describe: ({ flips }: FlipParams, image) => (flips[image] ? 'flip' : ''),
    },
  }
}

/**
 * Flips random images, for a loop without a pipeline: `randomFlip` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns images of the same shape
 * @example
 * const flipped = randomFlipBatch(images, { probability: 0.5, seed: 1, step })
 */
export const randomFlipBatch = withDraws(randomFlip)
