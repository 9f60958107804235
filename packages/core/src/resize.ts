import * as tf from '@tensorflow/tfjs-core'
import { inOnePass, instructions } from './one-pass.ts'

/**
 * Resizes a window of each image with antialiased bilinear interpolation: A · window · Bᵀ, where each row of A and B
 * holds triangular weights around a new pixel's centre.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @param boxes one window per image, [row, column, height, width], whole numbers inside the image; not checked
 * @param size [height, width] of the result
 * @returns `[batch, ...size, channels]`; a window of this size is copied exactly
 * @example
 * import { resizeWindows } from '@tricks/core/augmentation'
 *
 * const left = resizeWindows(tf.ones([1, 8, 8, 3]), [[0, 0, 8, 4]], [4, 4])
 */
export function resizeWindows(
  images: tf.Tensor4D,
  boxes: readonly (readonly [row: number, column: number, height: number, width: number])[],
  [height, width]: readonly [height: number, width: number],
): tf.Tensor4D {
  const windows = (axis: 0 | 1) => boxes.map((box) => [box[axis], box[axis + 2]!] as const)
  // Each call swaps the axes.
  const composed = (x: tf.Tensor4D): tf.Tensor4D =>
    tf.tidy(() => resizeRows(resizeRows(x, windows(0), height), windows(1), width))
  return inOnePass(
    images,
    (image, program) => program.push(instructions.resize, ...boxes[image]!, image),
    composed,
    [height, width],
  )
}

/**
 * Resizes a window of rows of each image and swaps rows and columns, so that two calls resize both.
 *
 * @param images `[batch, height, width, channels]`
 * @param windows [start, length], one per image
 * @returns `[batch, width, to, channels]`
 */
function resizeRows(
  images: tf.Tensor4D,
  windows: readonly (readonly [number, number])[],
  to: number,
): tf.Tensor4D {
  const [batch, height, width, channels] = images.shape
  const weights = tf.tensor3d(weightsOf(windows, height, to), [batch, to, height])
  const resized = tf.matMul(weights, tf.reshape(images, [batch, height, width * channels]))
  return tf.transpose(tf.reshape(resized, [batch, to, width, channels]), [0, 2, 1, 3])
}

/**
 * `[windows, to, from]`: each row has triangular weights around the new pixel's centre, as wide as the larger of the
 * two pixels to either side, truncated at the window.
 */
function weightsOf(
  windows: readonly (readonly [number, number])[],
  from: number,
  to: number,
): Float32Array {
  const weights = new Float32Array(windows.length * to * from)
  windows.forEach(([start, length], window) => {
    const scale = length / to
    const reach = Math.max(scale, 1)
    for (let i = 0; i < to; i++) {
      const center = (i + 0.5) * scale
      const first = Math.max(0, Math.floor(center - reach + 0.5))
      const last = Math.min(length, Math.floor(center + reach + 0.5))
      const weight = (pixel: number): number =>
        Math.max(0, 1 - Math.abs(pixel + 0.5 - center) / reach)
      let sum = 0
      for (let pixel = first; pixel < last; pixel++) sum += weight(pixel)
      const row = (window * to + i) * from + start
      for (let pixel = first; pixel < last; pixel++) weights[row + pixel] = weight(pixel) / sum
    }
  })
  return weights
}
