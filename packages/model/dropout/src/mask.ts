import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Random } from '@tricks/core'
import { dropoutOptions } from './options.ts'

export interface MaskOptions {
  /** In [0, 1). */
  readonly rate: number
  /** Default 'element'. */
  readonly mode?: 'element' | 'channel' | 'block'
  /** Side of a square in mode 'block', at most the image's; default 7. */
  readonly blockSize?: number
  /** The random stream of the step; each image draws from its own stream within it. */
  readonly random: Random
}

/**
 * A dropout mask to multiply by: 0 with probability `rate`, otherwise 1 / (1 − rate).
 *
 * @param shape `[batch, …, channels]`, of images in mode 'block'
 * @returns float32 of that shape, in mode 'channel' `[batch, 1, …, channels]`
 * @throws RangeError for an option out of its range, or a shape that isn't one of images in mode 'block'
 * @example
 * const kept = tf.mul(x, dropoutMask(x.shape, { rate: 0.5, random: createRandom(1).at(step) }))
 */
export function dropoutMask(
  shape: readonly number[],
  { random, ...given }: MaskOptions,
): tf.Tensor {
  const { rate, mode, blockSize } = dropoutOptions.parse(given)
  const fits = mode !== 'block' || shape.length === 4
  assertArgument(fits, 'dropout', { shape }, "[batch, height, width, channels] in mode 'block'")
  const [batch = 1] = shape
  const own =
    mode === 'channel'
      ? shape.map((size, axis) => (axis > 0 && axis < shape.length - 1 ? 1 : size))
      : [...shape]
  const size = tf.util.sizeFromShape(own) / Math.max(1, batch)
  const kept = 1 / (1 - rate)
  const mask = new Float32Array(batch * size)
  random.images(batch, (image, i) => {
    const values = mask.subarray(i * size, (i + 1) * size)
    if (mode === 'block') {
      values.fill(kept)
      dropBlocks(values, shape.slice(1) as [number, number, number], {
        rate,
        blockSize,
        random: image,
      })
      return
    }
    const words = wordsOf(image, size)
    const limit = rate * 2 ** 32
    for (let at = 0; at < size; at++) values[at] = words[at]! < limit ? 0 : kept
  })
  return tf.tensor(mask, own)
}

/** Sets squares in an image `[height, width, channels]` to 0, independently per channel. */
function dropBlocks(
  values: Float32Array,
  [height, width, channels]: readonly [number, number, number],
  { rate, blockSize, random }: { rate: number; blockSize: number; random: Random },
): void {
  const sides = [Math.min(blockSize, height), Math.min(blockSize, width)] as const
  const limit = cornerRate(rate, [height, width], sides) * 2 ** 32
  const [rows, columns] = [height - sides[0] + 1, width - sides[1] + 1]
  const words = wordsOf(random, rows * columns * channels)
  for (let corner = 0; corner < words.length; corner++) {
    if (words[corner]! >= limit) continue
    const channel = corner % channels
    const column = Math.floor(corner / channels) % columns
    const row = Math.floor(corner / channels / columns)
    for (let r = row; r < row + sides[0]; r++)
      for (let c = column; c < column + sides[1]; c++)
        values[(r * width + c) * channels + channel] = 0
  }
}

const rates = new Map<string, number>()

/**
 * The probability that a square starts at a position such that a fraction `rate` is dropped on average, accounting for
 * overlaps and borders: the γ for which the mean over all pixels of (1 − γ)^(number of squares that cover the pixel) is
 * 1 − rate. The paper's γ ignores overlaps, and so drops less than its rate.
 */
function cornerRate(
  rate: number,
  [height, width]: readonly [number, number],
  [rows, columns]: readonly [number, number],
): number {
  const key = [rate, height, width, rows, columns].join()
  const known = rates.get(key)
  if (known !== undefined) return known
  const covering = (at: number, size: number, side: number): number =>
    Math.min(at, size - side) - Math.max(0, at - side + 1) + 1
  const down = Array.from({ length: height }, (_, at) => covering(at, height, rows))
  const across = Array.from({ length: width }, (_, at) => covering(at, width, columns))
  const dropped = (gamma: number): number => {
    let kept = 0
    for (const a of down) for (const b of across) kept += (1 - gamma) ** (a * b)
    return 1 - kept / (height * width)
  }
  let [low, high] = [0, 1]
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2
    if (dropped(middle) < rate) low = middle
    else high = middle
  }
  rates.set(key, low)
  return low
}

/**
 * 32-bit words from sfc32, seeded by the stream: a mask needs millions, for which the stream itself is too slow.
 */
function wordsOf(random: Random, count: number): Uint32Array {
  const words = new Uint32Array(count)
  const seed = (): number => random.integer(0, 2 ** 32) | 0
  let [a, b, c, d] = [seed(), seed(), seed(), 1]
  for (let i = 0; i < count; i++) {
    const sum = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    words[i] = sum
  }
  return words
}
