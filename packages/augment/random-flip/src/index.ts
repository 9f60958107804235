import type * as tf from '@tensorflow/tfjs-core'
import { assertOption, gatherPixels, type Trick } from '@tricks/core'

export interface RandomFlipOptions {
  /** Share of the images that are flipped, in [0, 1]; default 0.5. */
  readonly probability?: number
  /** 'horizontal' mirrors left and right, 'vertical' turns upside down; default 'horizontal'. */
  readonly direction?: 'horizontal' | 'vertical'
  /** Tells two of the same trick apart. */
  readonly key?: string
}

export interface FlipParams {
  /** Whether to flip, one an image. */
  readonly flips: readonly boolean[]
  /** Default 'horizontal'. */
  readonly direction?: 'horizontal' | 'vertical'
}

/**
 * Mirrors those images whose flip is true: out[r, c] = image[r, width − 1 − c].
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns as `images`; pixels are copied exactly
 * @throws RangeError where there is not one flip an image
 * @example
 * applyRandomFlip(images, { flips: [true, false] }) // for two images
 * @see Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks"
 */
export function applyRandomFlip(
  images: tf.Tensor4D,
  { flips, direction = 'horizontal' }: FlipParams,
): tf.Tensor4D {
  const [batch, height, width] = images.shape
  assertOption(flips.length === batch, 'random-flip', { flips }, `${batch} booleans, one an image`)

  // Which pixel of the batch each output pixel shows.
  const source = new Int32Array(batch * height * width)
  let at = 0
  for (const [image, flip] of flips.entries()) {
    const [across, over] = [flip && direction === 'horizontal', flip && direction === 'vertical']
    for (let r = 0; r < height; r++) {
      const first = (image * height + (over ? height - 1 - r : r)) * width
      for (let c = 0; c < width; c++) source[at++] = first + (across ? width - 1 - c : c)
    }
  }
  return gatherPixels(images, source)
}

/**
 * Flips each image with some probability.
 *
 * @throws RangeError for a probability or a direction that is none
 * @example
 * compose([randomFlip()])
 * @see Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks"
 */
export function randomFlip({
  probability = 0.5,
  direction = 'horizontal',
  key,
}: RandomFlipOptions = {}): Trick {
  assertOption(
    probability >= 0 && probability <= 1,
    'random-flip',
    { probability },
    'a number in [0, 1]',
  )
  const directions = ['horizontal', 'vertical']
  assertOption(
    directions.includes(direction),
    'random-flip',
    { direction },
    `one of ${directions.join(', ')}`,
  )
  return {
    name: 'random-flip',
    key,
    options: { probability, direction },
    images: {
      draw: (random, { batch }): FlipParams => ({
        flips: random.images(batch, (image) => image.uniform() < probability),
        direction,
      }),
      apply: (images, params) => applyRandomFlip(images, params as FlipParams),
    },
  }
}
