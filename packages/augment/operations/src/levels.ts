import * as tf from '@tensorflow/tfjs-core'
import type { Levels, Operation, Step } from './operation.ts'

/** Rounds images in [0, 1] to the nearest level of the grid. */
export const toLevels = (images: tf.Tensor4D): Levels => tf.round(tf.mul(images, 255))

/** Creates a tensor with a number per image that broadcasts over its pixels. */
export const eachImage = (steps: readonly Step[], value: (step: Step) => number): tf.Tensor4D =>
  tf.tensor4d(steps.map(value), [steps.length, 1, 1, 1])

/** Applies a change to the images of each operation, which are adjacent, and concatenates the results. */
export function byOperation(
  levels: Levels,
  steps: readonly Step[],
  change: (op: Operation, levels: Levels, steps: readonly Step[]) => Levels,
): Levels {
  const parts: Levels[] = []
  for (let start = 0, end = 0; start < steps.length; start = end) {
    const { op } = steps[start]!
    while (steps[end]?.op === op) end++
    const own = tf.slice(levels, start, end - start)
    parts.push(change(op, own, steps.slice(start, end)))
  }
  return parts.length === 1 ? parts[0]! : tf.concat(parts)
}

/** Luma of 3 channels, rounded down to the grid, `[batch, height, width, 1]`; a single channel is already grey. */
export function grey(levels: Levels): Levels {
  const [batch, height, width, channels] = levels.shape
  if (channels === 1) return levels
  // Row by row: backends are slow at broadcasting over channels.
  const weights = tf.tile(tf.tensor1d([0.2989, 0.587, 0.114]), [width])
  const weighted = tf.mul(tf.reshape(levels, [batch * height, width * channels]), weights)
  return tf.floor(tf.sum(tf.reshape(weighted, levels.shape), 3, true))
}
