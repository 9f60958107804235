import type * as tf from '@tensorflow/tfjs-core'
import { assertOption, gatherPixels, placesOf, type Trick } from '@tricks/core'

export interface CutoutOptions {
  /** Side of a hole in pixels, a positive integer; default 16, the paper's for CIFAR-10 (8 for CIFAR-100). */
  readonly length?: number
  /** Holes an image, a positive integer of at most 1000; default 1. */
  readonly holes?: number
  /** What a hole shows: the data's mean, which is 0 after normalising as in the paper, or a value in [0, 1]. */
  readonly fill?: 'mean' | number
  /** Keep holes whole: by default a centre may lie at the border, which clips the hole, as in the paper. */
  readonly inside?: boolean
  /** Tells two of the same trick apart. */
  readonly key?: string
}

export interface CutoutParams {
  /** Each image's holes by their centres [row, column]. */
  readonly centers: readonly (readonly (readonly [number, number])[])[]
  readonly length: number
  /** A value in [0, 1], or one a channel; default 0. */
  readonly fill?: number | readonly number[]
}

/**
 * Fills squares: rows and columns [c − ⌊length/2⌋, c + ⌊length/2⌋) about each centre c, clipped to the image.
 *
 * An odd length hides length − 1 pixels a side, as the paper's code does.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns as `images`; pixels outside the holes are copied exactly
 * @throws RangeError where there is not one list of centres an image, or not one fill a channel
 * @example
 * applyCutout(images, { centers: [[[16, 16]], [[0, 31]]], length: 16 }) // for two images
 * @see DeVries and Taylor 2017, https://arxiv.org/abs/1708.04552
 */
export function applyCutout(
  images: tf.Tensor4D,
  { centers, length, fill = 0 }: CutoutParams,
): tf.Tensor4D {
  const [batch, height, width, channels] = images.shape
  assertOption(
    centers.length === batch,
    'cutout',
    { centers },
    `${batch} lists of centres, one an image`,
  )
  const one = typeof fill === 'number' || fill.length === 1
  const fills = one ? Array.from({ length: channels }, () => [fill].flat()[0]!) : fill
  assertOption(
    fills.length === channels,
    'cutout',
    { fill },
    `one value, or ${channels}, one a channel`,
  )

  const half = Math.floor(length / 2)
  const source = placesOf(images.shape)
  const hidden = source.length
  centers.forEach((holes, image) => {
    for (const [row, column] of holes)
      for (let r = Math.max(0, row - half); r < Math.min(height, row + half); r++) {
        const start = (image * height + r) * width
        source.fill(
          hidden,
          start + Math.max(0, column - half),
          start + Math.max(0, Math.min(width, column + half)),
        )
      }
  })
  return gatherPixels(images, source, fills)
}

/**
 * Hides a random square of each image, so that the network can't rely on any one part.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([cutout({ length: 16 })])
 * @see DeVries and Taylor 2017, https://arxiv.org/abs/1708.04552
 */
export function cutout({
  length = 16,
  holes = 1,
  fill = 'mean',
  inside = false,
  key,
}: CutoutOptions = {}): Trick {
  const positive = (value: number): boolean => Number.isInteger(value) && value > 0
  assertOption(positive(length), 'cutout', { length }, 'a positive integer')
  const few = positive(holes) && holes <= 1000
  assertOption(few, 'cutout', { holes }, 'a positive integer of at most 1000')
  assertOption(typeof inside === 'boolean', 'cutout', { inside }, 'true or false')
  const value = fill === 'mean' || (typeof fill === 'number' && fill >= 0 && fill <= 1)
  assertOption(value, 'cutout', { fill }, "'mean' or a number in [0, 1]")
  return {
    name: 'cutout',
    key,
    options: { length, holes, fill, inside },
    images: {
      draw(random, { batch, height, width, mean }): CutoutParams {
        // A hole as large as the image has but its middle to be at.
        const margin = (size: number): number =>
          inside ? Math.min(Math.floor(length / 2), Math.floor(size / 2)) : 0
        const place = (image: typeof random, size: number): number =>
          image.integer(
            margin(size),
            Math.max(size - margin(size), margin(size)) + (inside ? 1 : 0),
          )
        const centers = random.images(batch, (image) =>
          Array.from({ length: holes }, () => [place(image, height), place(image, width)] as const),
        )
        return { centers, length, fill: fill === 'mean' ? mean : fill }
      },
      apply: (images, params) => applyCutout(images, params as CutoutParams),
    },
  }
}
