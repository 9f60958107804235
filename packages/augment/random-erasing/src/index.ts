import type * as tf from '@tensorflow/tfjs-core'
import { assertOption, gatherPixels, placesOf, type Trick } from '@tricks/core'
import { check, drawBox } from './draw.ts'

export interface RandomErasingOptions {
  /** Share of the images that lose a rectangle, in [0, 1]; default 0.5. */
  readonly probability?: number
  /** The share of the image that a rectangle covers, [low, high] in (0, 1]; default [0.02, 0.4]. */
  readonly area?: readonly [number, number]
  /** The flattest shape, height / width in (0, 1]; the steepest is its inverse; default 0.3. */
  readonly ratio?: number
  /** Draw shapes uniformly from [ratio, 1 / ratio], as the paper's code does, or their logarithms. */
  readonly aspect?: 'uniform' | 'log-uniform'
  /** Uniform values a pixel and channel (default), the data's mean, a value in [0, 1], or a colour. */
  readonly fill?: 'random' | 'mean' | number | readonly number[]
  /** Tells two of the same trick apart. */
  readonly key?: string
}

export interface ErasingParams {
  /** One an image: [row, column, height, width], or null. */
  readonly boxes: readonly (readonly [number, number, number, number] | null)[]
  /** In [0, 1]: one value, one a channel, or one for each channel of each erased pixel, box after box. */
  readonly fill: number | ArrayLike<number>
}

/**
 * Fills a rectangle of each image that has a box.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns as `images`; pixels outside the boxes are copied exactly
 * @throws RangeError where boxes don't fit the images, or fill doesn't fit the boxes
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
    Number.isInteger(start) && Number.isInteger(length) && start >= 0 && start + length <= size
  const inside = boxes.every((b) => !b || (span(b[0], b[2], height) && span(b[1], b[3], width)))
  const range = `${batch} boxes [row, column, height, width] in ${height}×${width}, or null`
  assertOption(boxes.length === batch && inside, 'random-erasing', { boxes }, range)
  const values = typeof fill === 'number' ? [fill] : fill
  const erased = pixelsIn(boxes) * channels
  assertOption(
    [1, channels, erased].includes(values.length),
    'random-erasing',
    { fill: `${values.length} values` },
    `one value, ${channels}, one a channel, or ${erased}, as many as are erased`,
  )

  const source = placesOf(images.shape)
  const fills = values.length === 1 ? new Float32Array(channels).fill(values[0]!) : values
  const step = fills.length === channels ? 0 : 1
  let shown = source.length
  boxes.forEach((box, image) => {
    const [row, column, rows, columns] = box ?? [0, 0, 0, 0]
    for (let r = row; r < row + rows; r++)
      for (let c = column; c < column + columns; c++, shown += step)
        source[(image * height + r) * width + c] = shown
  })
  return gatherPixels(images, source, fills)
}

const pixelsIn = (boxes: ErasingParams['boxes']): number =>
  boxes.reduce((sum, box) => sum + (box ? box[2] * box[3] : 0), 0)

/**
 * Replaces a random rectangle of some images, so that the network can't rely on any one part.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([randomErasing({ probability: 0.5, fill: 'random' })])
 * @see Zhong et al. 2020, https://arxiv.org/abs/1708.04896
 */
export function randomErasing({
  probability = 0.5,
  area = [0.02, 0.4],
  ratio = 0.3,
  aspect = 'uniform',
  fill = 'random',
  key,
}: RandomErasingOptions = {}): Trick {
  const options = { probability, area, ratio, aspect, fill }
  check(options)
  return {
    name: 'random-erasing',
    key,
    options,
    images: {
      draw(random, { batch, height, width, channels, mean }): ErasingParams | undefined {
        const drawn = random.images(batch, (image) => ({
          image,
          box: image.uniform() < probability ? drawBox(image, height, width, options) : null,
        }))
        const boxes = drawn.map(({ box }) => box)
        if (boxes.every((box) => box === null)) return undefined
        if (fill !== 'random') return { boxes, fill: fill === 'mean' ? mean : fill }
        const values = new Float32Array(pixelsIn(boxes) * channels)
        let used = 0
        for (const { image, box } of drawn)
          for (const end = used + pixelsIn([box]) * channels; used < end; used++)
            values[used] = image.uniform()
        return { boxes, fill: values }
      },
      apply: (images, params) => applyRandomErasing(images, params as ErasingParams),
    },
  }
}
