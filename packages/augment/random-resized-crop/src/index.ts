import type * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import { resizeWindows, withDraws } from '@tricks/core/augmentation'
import { checked, defineOptions, interval, optional, type OptionsOf } from '@tricks/core/options'
import { drawBox } from './draw.ts'

const pixels = 'a pair of integers in [1, 4096]'
const isSize = (size: unknown): boolean =>
  Array.isArray(size) &&
  size.length === 2 &&
  size.every((each) => Number.isInteger(each) && each > 0 && each <= 4096)

export const randomResizedCropOptions = defineOptions('random-resized-crop', {
  /** [height, width] of the result. @defaultValue the images' own */
  size: optional(checked<readonly [number, number]>(pixels, isSize)),
  /** The window's fraction of the image's area, drawn uniformly; the default is the paper's. */
  area: interval({ above: 0, max: 1, default: [0.08, 1] }),
  /** The window's aspect ratio, width / height, drawn log-uniformly. @defaultValue `[3 / 4, 4 / 3]` */
  ratio: interval({ above: 0, max: 1e6, scale: 'log', default: [3 / 4, 4 / 3] }),
})
export type RandomResizedCropOptions = OptionsOf<typeof randomResizedCropOptions>

export interface ResizedCropParams {
  /** One window per image: [row, column, height, width], whole numbers. */
  readonly boxes: readonly (readonly [number, number, number, number])[]
  /** [height, width] of the result. */
  readonly size: readonly [number, number]
}

/**
 * Crops a window of each image and resizes it with antialiased bilinear interpolation: A · window · Bᵀ, where each row
 * of A and B holds triangular weights around a new pixel's centre.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns `[batch, ...size, channels]`
 * @throws RangeError unless there is one window inside each image, and the size is two integers in [1, 4096]
 * @example
 * applyRandomResizedCrop(images, { boxes: [[0, 8, 16, 24], [0, 0, 32, 32]], size: [32, 32] }) // for two images
 * @see Szegedy et al. 2015, https://arxiv.org/abs/1409.4842
 */
export function applyRandomResizedCrop(
  images: tf.Tensor4D,
  { boxes, size }: ResizedCropParams,
): tf.Tensor4D {
  const [batch, height, width] = images.shape
  const span = (start: number, length: number, end: number): boolean =>
    Number.isInteger(start) &&
    Number.isInteger(length) &&
    start >= 0 &&
    length > 0 &&
    start + length <= end
  const inside = boxes.every((b) => span(b[0], b[2], height) && span(b[1], b[3], width))
  const range = `${batch} windows [row, column, height, width] in ${height}×${width}`
  assertArgument(boxes.length === batch && inside, 'random-resized-crop', { boxes }, range)
  assertArgument(isSize(size), 'random-resized-crop', { size }, pixels)

  return resizeWindows(images, boxes, size)
}

/**
 * Crops a window of random size, aspect ratio and position from each image, and resizes it.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([randomResizedCrop({ area: [0.35, 1] }), randomFlip()])
 * @see Szegedy et al. 2015, https://arxiv.org/abs/1409.4842
 */
export function randomResizedCrop({ key, ...given }: RandomResizedCropOptions = {}): Trick {
  const options = randomResizedCropOptions.parse(given)
  const { size } = options
  return {
    name: 'random-resized-crop',
    key,
    options,
    images: {
      outputSize: () => size && { height: size[0], width: size[1] },
      draw: (random, { batch, height, width }): ResizedCropParams => ({
        boxes: random.images(batch, (image) => drawBox(image, height, width, options)),
        size: size ?? [height, width],
      }),
      apply: applyRandomResizedCrop,
      describe({ boxes }: ResizedCropParams, image) {
        const [row, column, height, width] = boxes[image]!
        return `${height}×${width}, at ${row}, ${column}`
      },
    },
  }
}

/**
 * Crops and resizes random windows, for a loop without a pipeline: `randomResizedCrop` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns `[batch, ...size, channels]`
 * @example
 * const cropped = randomResizedCropBatch(images, { area: [0.35, 1], seed: 1, step })
 */
export const randomResizedCropBatch = withDraws(randomResizedCrop)
