import * as tf from '@tensorflow/tfjs-core'
import type { Random } from '@tricks/core'

export interface MaskOptions {
  /** The share that is dropped, in [0, 1). */
  readonly rate: number
  readonly kind: 'element' | 'channel' | 'block'
  /** The side of a block in pixels; no larger than the image. */
  readonly blockSize: number
}

/** What an input is multiplied by: 0 where it is dropped, else what keeps the mean. */
export interface DropoutMask {
  readonly values: Float32Array
  /** 1 on the axes that are dropped as one. */
  readonly shape: readonly number[]
}

/**
 * Draws what is to be dropped, each image from its own stream.
 *
 * @param random the layer's stream of a step
 * @param shape that of the input, `[batch, …, channels]`
 * @example
 * const mask = drawDropout(createRandom(1).at(7), x.shape, { rate: 0.5, kind: 'element', blockSize: 1 })
 */
export function drawDropout(
  random: Random,
  shape: readonly number[],
  { rate, kind, blockSize }: MaskOptions,
): DropoutMask {
  const [batch, ...inner] = shape as [number, ...number[]]
  const own = kind === 'channel' ? inner.map((size, i) => (i < inner.length - 1 ? 1 : size)) : inner
  const size = own.reduce((a, b) => a * b, 1)
  const values = new Float32Array(batch * size)
  random.images(batch, (stream, image) => {
    const word = wordsOf(stream)
    const mask = values.subarray(image * size, (image + 1) * size)
    if (kind === 'block') dropBlocks(mask, inner as [number, number, number], rate, blockSize, word)
    else for (let i = 0; i < size; i++) mask[i] = word() < rate * 2 ** 32 ? 0 : 1 / (1 - rate)
  })
  return { values, shape: [batch, ...own] }
}

/**
 * Drops what was drawn.
 *
 * @param x float32 `[batch, …, channels]`
 * @returns as `x`
 */
export function applyDropout<T extends tf.Tensor>(x: T, { values, shape }: DropoutMask): T {
  return tf.tidy(() => tf.mul(x, tf.tensor(values, [...shape])))
}

/**
 * Drops squares about centres that are drawn where a whole square fits, at the rate that drops the wanted share
 * where none overlap, and scales what is left of the image so that its count stays.
 */
function dropBlocks(
  mask: Float32Array,
  [height, width, channels]: readonly [number, number, number],
  rate: number,
  blockSize: number,
  word: () => number,
): void {
  const rows = Math.min(blockSize, height)
  const columns = Math.min(blockSize, width)
  const places = (height - rows + 1) * (width - columns + 1)
  const limit = ((rate * height * width) / (rows * columns * places)) * 2 ** 32
  mask.fill(1)
  for (let row = 0; row <= height - rows; row++)
    for (let column = 0; column <= width - columns; column++)
      for (let channel = 0; channel < channels; channel++) {
        if (word() >= limit) continue
        for (let r = row; r < row + rows; r++)
          for (let c = column; c < column + columns; c++)
            mask[(r * width + c) * channels + channel] = 0
      }
  const kept = mask.reduce((sum, value) => sum + value, 0)
  for (let i = 0; i < mask.length; i++) mask[i]! *= mask.length / Math.max(1, kept)
}

/**
 * Many uniform 32-bit words from one stream, as a mask has millions of values: a counter with a step of its own,
 * mixed by the finaliser of MurmurHash3, as in SplitMix.
 *
 * @see Steele et al. 2014, https://doi.org/10.1145/2714064.2660195
 */
function wordsOf(random: Random): () => number {
  let state = random.integer(0, 2 ** 32)
  const step = random.integer(0, 2 ** 32) | 1
  return () => {
    state = (state + step) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return (mixed ^ (mixed >>> 16)) >>> 0
  }
}
