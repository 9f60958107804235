import type * as tf from '@tensorflow/tfjs-core'
import {
  assertArgument,
  type BatchShape,
  type Random,
  stepsOf,
  type Time,
  type Trick,
} from '@tricks/core'
import { arrangePixels, copyBox, withDraws } from '@tricks/core/augmentation'
import { boolean, choice, defineOptions, number, type OptionsOf } from '@tricks/core/options'

export const randomFlipOptions = defineOptions('random-flip', {
  /** Probability that an image is flipped. */
  probability: number({ min: 0, max: 1, default: 0.5 }),
  /** `'horizontal'` swaps left and right, `'vertical'` top and bottom. */
  direction: choice(['horizontal', 'vertical'], { default: 'horizontal' }),
  /**
   * Draw each image's flip once, for the first epoch, and invert it in every second epoch, so that the network sees
   * both orientations equally often.
   */
  alternate: boolean({ default: false }),
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
 * Flips each image with a given probability. With `alternate`, an image that is flipped in the first epoch is not in the
 * second one, and so on: each pair of epochs shows both orientations.
 *
 * @throws RangeError for an option out of its range; with `alternate`, an Error from its draw unless the length of an
 *   epoch and the images' indices are known, which `train` provides
 * @example
 * compose([randomFlip()])
 * @see Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks"; for `alternate`,
 *   Jordan 2024, https://arxiv.org/abs/2404.00498
 */
export function randomFlip({ key, ...given }: RandomFlipOptions = {}): Trick {
  const options = randomFlipOptions.parse(given)
  const { probability, direction, alternate } = options
  const isFlipped = (stream: Random): boolean => stream.uniform() < probability
  return {
    name: 'random-flip',
    key,
    options,
    images: {
      draw: (random, shape, time): FlipParams => ({
        flips: alternate
          ? alternating(random, shape, time, isFlipped)
          : random.images(shape.batch, isFlipped),
        direction,
      }),
      apply: applyRandomFlip,
      describe: ({ flips }: FlipParams, image) => (flips[image] ? 'flip' : ''),
    },
  }
}

/** The flips of the first epoch, which depend on the image but not on the step, or their opposite. */
function alternating(
  random: Random,
  { batch, indices }: BatchShape,
  time: Time,
  isFlipped: (stream: Random) => boolean,
): boolean[] {
  if (indices?.length !== batch)
    throw new Error(
      `random-flip: expected indices to be ${batch} indices in the data set, as alternate is true, got ` +
        `${indices?.length ?? 'none'}. Pass them to pipeline.draw, and the draws to pipeline.batch.`,
    )
  const isOdd = Math.floor(time.step / stepsOf({ epochs: 1 }, time)) % 2 === 1
  const first = random.fork('alternate').at(0)
  return Array.from(indices, (index) => isFlipped(first.image(index)) !== isOdd)
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
