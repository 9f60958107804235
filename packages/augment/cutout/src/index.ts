import type * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import { arrangePixels, copyImage, fillBox, withDraws } from '@tricks/core/augmentation'
import {
  boolean,
  choice,
  defineOptions,
  integer,
  number,
  type OptionsOf,
} from '@tricks/core/options'

export const cutoutOptions = defineOptions('cutout', {
  /** Side of a hole in pixels; the paper's 16 is for CIFAR-10, 8 for CIFAR-100. */
  length: integer({ min: 1, default: 16 }),
  /** Holes per image. */
  holes: integer({ min: 1, max: 1000, default: 1 }),
  /** The value in a hole: the data's mean, which is 0 after normalisation as in the paper, or a number. */
  fill: choice(['mean', number({ min: 0, max: 1 })], { default: 'mean' }),
  /** Keep holes inside the image. By default a centre may be at the border, which clips the hole, as in the paper. */
  inside: boolean({ default: false }),
})
export type CutoutOptions = OptionsOf<typeof cutoutOptions>

export interface CutoutParams {
  /** The centres [row, column] of each image's holes. */
  readonly centers: readonly (readonly (readonly [number, number])[])[]
  readonly length: number
  /** A value in [0, 1], or one per channel; default 0. */
  readonly fill?: number | readonly number[]
}

/**
 * Fills squares: rows and columns [c − ⌊length/2⌋, c + ⌊length/2⌋) around each centre c, clipped to the image.
 *
 * An odd length hides length − 1 pixels per side, as the paper's code does.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns images of the same shape; pixels outside the holes are copied exactly
 * @throws RangeError unless there is one list of centres per image, and one fill in all or per channel
 * @example
 * applyCutout(images, { centers: [[[16, 16]], [[0, 31]]], length: 16 }) // for two images
 * @see DeVries and Taylor 2017, https://arxiv.org/abs/1708.04552
 */
export function applyCutout(
  images: tf.Tensor4D,
  { centers, length, fill = 0 }: CutoutParams,
): tf.Tensor4D {
  const [batch, height, width, channels] = images.shape
  const pairs = centers.every((holes) =>
    holes.every((center) => center.length === 2 && center.every(Number.isFinite)),
  )
  assertArgument(
    centers.length === batch && pairs,
    'cutout',
    { centers },
    `${batch} lists of centres, one per image`,
  )
  const one = typeof fill === 'number' || fill.length === 1
  const fills = one ? Array.from({ length: channels }, () => [fill].flat()[0]!) : fill
  assertArgument(
    fills.length === channels && fills.every(Number.isFinite),
    'cutout',
    { fill },
    `one value, or ${channels}, one per channel`,
  )

  assertArgument(
    length >= 0 && Number.isFinite(length),
    'cutout',
    { length },
    'a number of at least 0',
  )

  const half = Math.floor(length / 2)
  /** The part of a hole's side inside the image: its start and length. */
  const side = (center: number, size: number): readonly [number, number] => {
    const start = Math.max(0, center - half)
    return [start, Math.max(0, Math.min(size, center + half) - start)]
  }
  return arrangePixels(images, (image, program) => {
    copyImage(program, images.shape, image)
    for (const [centerRow, centerColumn] of centers[image]!) {
      const [[row, rows], [column, columns]] = [side(centerRow, height), side(centerColumn, width)]
      fillBox(program, [row, column, rows, columns], fills)
    }
  })
}

/**
 * Hides a random square of each image, so that the network cannot rely on a single region.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([cutout({ length: 16 })])
 * @see DeVries and Taylor 2017, https://arxiv.org/abs/1708.04552
 */
export function cutout({ key, ...given }: CutoutOptions = {}): Trick {
  const options = cutoutOptions.parse(given)
  const { length, holes, fill, inside } = options
  return {
    name: 'cutout',
    key,
    options,
    images: {
      draw(random, { batch, height, width, mean }): CutoutParams {
        // A hole as large as the image must be centred.
        const margin = (size: number): number =>
          inside ? Math.min(Math.floor(length / 2), Math.floor(size / 2)) : 0
        const center = (image: typeof random, size: number): number =>
          image.integer(
            margin(size),
            Math.max(size - margin(size), margin(size)) + (inside ? 1 : 0),
          )
        const centers = random.images(batch, (image) =>
          Array.from(
            { length: holes },
            () => [center(image, height), center(image, width)] as const,
          ),
        )
        return { centers, length, fill: fill === 'mean' ? mean : fill }
      },
      apply: applyCutout,
      describe: ({ centers }: CutoutParams, image) =>
        centers[image]!.map(([row, column]) => `cutout ${row}, ${column}`).join(', '),
    },
  }
}

/**
 * Cuts holes at random centres, for a loop without a pipeline: `cutout` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns images of the same shape
 * @example
 * const cut = cutoutBatch(images, { length: 16, seed: 1, step })
 */
export const cutoutBatch = withDraws(cutout)
