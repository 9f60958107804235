import type * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import {
  arrangePixels,
  copyImage,
  fillBox,
  fillRandomly,
  gatherPixels,
  pixelIndices,
  withDraws,
} from '@tricks/core/augmentation'
import { type Box, drawBox } from './draw.ts'
import { type RandomErasingOptions, randomErasingOptions } from './options.ts'
export { type RandomErasingOptions, randomErasingOptions } from './options.ts'

export interface ErasingParams {
  /** One per image: [row, column, height, width], or null. */
  readonly boxes: readonly (Box | null)[]
  /**
   * In [0, 1]: one value, one per channel, or one for each channel of each erased pixel, box after box; or the positions
   * of random streams that give the latter.
   */
  readonly fill: number | ArrayLike<number> | RandomFill
}

/** Uniform values from [0, 1) for each channel of each erased pixel. */
export interface RandomFill {
  /** The position of each image's stream, six numbers per image: see `uniformsAt` of @tricks/core/augmentation. */
  readonly positions: Float64Array
}

/**
 * Fills a rectangle in each image that has a box.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns images of the same shape; pixels outside the boxes are copied exactly
 * @throws RangeError if boxes don't fit the images, or the fill doesn't fit the boxes
 * @example
 * applyRandomErasing(images, { boxes: [[4, 0, 2, 3], null], fill: 0.5 }) // for two images
 * @see Zhong et al. 2020, https://arxiv.org/abs/1708.04896
 */
export function applyRandomErasing(
  images: tf.Tensor4D,
  { boxes, fill }: ErasingParams,
): tf.Tensor4D {
  const [batch, height, width, channels] = images.shape
  const span = (start: number, length: number, size: number): boolean =>
    Number.isInteger(start) &&
    Number.isInteger(length) &&
    start >= 0 &&
    length >= 0 &&
    start + length <= size
  const inside = boxes.every((b) => !b || (span(b[0], b[2], height) && span(b[1], b[3], width)))
  const range = `${batch} boxes [row, column, height, width] in ${height}×${width}, or null`
  assertArgument(boxes.length === batch && inside, 'random-erasing', { boxes }, range)
  if (typeof fill === 'object' && 'positions' in fill)
    return eraseRandomly(images, boxes, fill.positions)
  const values = typeof fill === 'number' ? [fill] : fill
  const erased = pixelsIn(boxes) * channels
  assertArgument(
    [1, channels, erased].includes(values.length) && Array.from(values).every(Number.isFinite),
    'random-erasing',
    { fill: typeof fill === 'number' ? fill : `${values.length} values` },
    `one finite value, ${channels}, one per channel, or ${erased}, as many as are erased`,
  )

  const fills = values.length === 1 ? new Float32Array(channels).fill(values[0]!) : values
  if (fills.length === channels)
    return arrangePixels(images, (image, program) => {
      copyImage(program, images.shape, image)
      if (boxes[image]) fillBox(program, boxes[image], fills)
    })
  const source = pixelIndices(images.shape)
  let shown = source.length
  boxes.forEach((box, image) => {
    const [row, column, rows, columns] = box ?? [0, 0, 0, 0]
    for (let r = row; r < row + rows; r++)
      for (let c = column; c < column + columns; c++)
        source[(image * height + r) * width + c] = shown++
  })
  return gatherPixels(images, source, fills)
}

function eraseRandomly(
  images: tf.Tensor4D,
  boxes: ErasingParams['boxes'],
  positions: Float64Array,
): tf.Tensor4D {
  const argument = { 'fill.positions': `${positions.length} numbers` }
  const range = `${6 * boxes.length} numbers, six per image`
  assertArgument(positions.length === 6 * boxes.length, 'random-erasing', argument, range)
  return arrangePixels(images, (image, program) => {
    copyImage(program, images.shape, image)
    const position = positions.subarray(6 * image, 6 * image + 6)
    if (boxes[image]) fillRandomly(program, boxes[image], position)
  })
}

const pixelsIn = (boxes: ErasingParams['boxes']): number =>
  boxes.reduce((sum, box) => sum + (box ? box[2] * box[3] : 0), 0)

/**
 * Erases a random rectangle of some images, so that the network cannot rely on a single region.
 *
 * @throws RangeError for an option out of its range; when a run starts, if the colour's channels differ from the data's
 * @example
 * compose([randomErasing({ probability: 0.5, fill: 'random' })])
 * @see Zhong et al. 2020, https://arxiv.org/abs/1708.04896
 */
export function randomErasing({ key, ...given }: RandomErasingOptions = {}): Trick {
  const options = randomErasingOptions.parse(given)
  const { probability, fill } = options
  // Checked whether or not a box is drawn, so that the seed makes no difference.
  const check = ({ channels }: { readonly channels: number }): void => {
    const valid = !Array.isArray(fill) || fill.length === 1 || fill.length === channels
    const range = `one value, or ${channels}, one per channel`
    assertArgument(valid, 'random-erasing', { fill }, range)
  }
  return {
    name: 'random-erasing',
    key,
    options,
    start: ({ data }) => check(data),
    images: {
      draw(random, shape): ErasingParams | undefined {
        check(shape)
        const { batch, height, width, mean } = shape
        const positions = new Float64Array(6 * batch)
        const boxes = random.images(batch, (image, i) => {
          const erased = image.uniform() < probability
          const box = erased ? drawBox(image, height, width, options) : null
          positions.set(image.position(), 6 * i)
          return box
        })
        if (boxes.every((box) => box === null)) return undefined
        return { boxes, fill: fill === 'random' ? { positions } : fill === 'mean' ? mean : fill }
      },
      apply: applyRandomErasing,
      describe({ boxes }: ErasingParams, image) {
        const box = boxes[image]
        return box ? `erase ${box[2]}×${box[3]}, at ${box[0]}, ${box[1]}` : ''
      },
    },
  }
}

/**
 * Erases random rectangles, for a loop without a pipeline: `randomErasing` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns images of the same shape
 * @example
 * const erased = randomErasingBatch(images, { probability: 0.5, seed: 1, step })
 */
export const randomErasingBatch = withDraws(randomErasing)
