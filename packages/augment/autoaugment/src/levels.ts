import * as tf from '@tensorflow/tfjs-core'
import type { Operation, Step } from './operation.ts'

/** Images on the grid 0, 1, …, 255: float32 `[batch, height, width, channels]`. */
export type Levels = tf.Tensor4D

/** Images in [0, 1] on the grid, by the nearest level. */
export const toLevels = (images: tf.Tensor4D): Levels => tf.round(tf.mul(images, 255))

/** A number an image, to calculate with its pixels. */
export const eachImage = (steps: readonly Step[], value: (step: Step) => number): tf.Tensor4D =>
  tf.tensor4d(steps.map(value), [steps.length, 1, 1, 1])

/** Makes something of the images of each operation, which follow one another, and joins it. */
export function byOperation(
  levels: Levels,
  steps: readonly Step[],
  make: (op: Operation, levels: Levels, steps: readonly Step[]) => Levels,
): Levels {
  const parts: Levels[] = []
  for (let start = 0, end = 0; start < steps.length; start = end) {
    const { op } = steps[start]!
    while (steps[end]?.op === op) end++
    const own = tf.slice(levels, start, end - start)
    parts.push(make(op, own, steps.slice(start, end)))
  }
  return parts.length === 1 ? parts[0]! : tf.concat(parts)
}

/**
 * Luma, rounded down to the grid, `[batch, height, width, 1]`; an image of one channel is grey.
 *
 * @throws Error for another number of channels than 1 or 3
 */
export function grey(levels: Levels): Levels {
  const [batch, height, width, channels] = levels.shape
  if (channels === 1) return levels
  if (channels !== 3) throw new Error(`autoaugment: expected 3 channels or 1, got ${channels}`)
  // By rows: backends are slow to repeat a pixel's channels.
  const weights = tf.tile(tf.tensor1d([0.2989, 0.587, 0.114]), [width])
  const weighted = tf.mul(tf.reshape(levels, [batch * height, width * channels]), weights)
  return tf.floor(tf.sum(tf.reshape(weighted, levels.shape), 3, true))
}
