import * as tf from '@tensorflow/tfjs-core'
import { assertOption, type Trick } from '@tricks/core'
import { drawBox } from './draw.ts'
import { resizeRows } from './resizing.ts'

export interface RandomResizedCropOptions {
  /** [height, width] of what comes out, at most 4096 each; default that of the images. */
  readonly size?: readonly [number, number]
  /** The window's share of the image, [low, high] in (0, 1]; default [0.08, 1], the paper's. */
  readonly area?: readonly [number, number]
  /** The window's width / height, [low, high] above 0; default [3/4, 4/3]. Its logarithm is uniform. */
  readonly ratio?: readonly [number, number]
  /** Tells two of the same trick apart. */
  readonly key?: string
}

export interface ResizedCropParams {
  /** One window an image: [row, column, height, width], whole numbers. */
  readonly boxes: readonly (readonly [number, number, number, number])[]
  /** [height, width] of what comes out. */
  readonly size: readonly [number, number]
}

/**
 * Cuts a window out of each image and resizes it, bilinear, averaging where it shrinks:
 * A · window · Bᵀ, where each row of A and B holds a triangle of weights about a new pixel's centre.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns `[batch, ...size, channels]`
 * @throws RangeError where there is not one window an image, or it isn't inside, or the size isn't whole
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
  assertOption(boxes.length === batch && inside, 'random-resized-crop', { boxes }, range)
  assertOption(
    isSize(size),
    'random-resized-crop',
    { size },
    'two positive integers of at most 4096',
  )

  const windows = (axis: 0 | 1) => boxes.map((box) => [box[axis], box[axis + 2]!] as const)
  // Each time the axes change places.
  return tf.tidy(() => resizeRows(resizeRows(images, windows(0), size[0]), windows(1), size[1]))
}

const isPair = (range: unknown): boolean =>
  Array.isArray(range) && range.length === 2 && range.every((each) => typeof each === 'number')

const isSize = (size: readonly number[]): boolean =>
  Array.isArray(size) &&
  size.length === 2 &&
  size.every((each) => Number.isInteger(each) && each > 0 && each <= 4096)

/**
 * Cuts a window of random size, shape and place out of each image, and resizes it.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([randomResizedCrop({ area: [0.35, 1] }), randomFlip()])
 * @see Szegedy et al. 2015, https://arxiv.org/abs/1409.4842
 */
export function randomResizedCrop({
  size,
  area = [0.08, 1],
  ratio = [3 / 4, 4 / 3],
  key,
}: RandomResizedCropOptions = {}): Trick {
  const ordered = (range: readonly [number, number], limit: number): boolean =>
    isPair(range) && range[0] > 0 && range[0] <= range[1] && range[1] <= limit
  const sized = size === undefined || isSize(size)
  assertOption(sized, 'random-resized-crop', { size }, 'two positive integers of at most 4096')
  assertOption(ordered(area, 1), 'random-resized-crop', { area }, '0 < low ≤ high ≤ 1')
  assertOption(ordered(ratio, 1e6), 'random-resized-crop', { ratio }, '0 < low ≤ high')
  return {
    name: 'random-resized-crop',
    key,
    options: { size, area, ratio },
    images: {
      draw: (random, { batch, height, width }): ResizedCropParams => ({
        boxes: random.images(batch, (image) => drawBox(image, height, width, { area, ratio })),
        size: size ?? [height, width],
      }),
      apply: (images, params) => applyRandomResizedCrop(images, params as ResizedCropParams),
    },
  }
}
