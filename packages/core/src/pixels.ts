import * as tf from '@tensorflow/tfjs-core'

/**
 * Rearranges pixels: out[i] = all[source[i]], where `all` is the batch's pixels in order, followed by `others`.
 *
 * @param images `[batch, height, width, channels]`
 * @param source an index for each output pixel, in [0, batch · height · width + others); not checked
 * @param others additional pixels to select from, such as a fill colour: their channels, one pixel after another;
 *   default none
 * @returns images of the same shape; pixels are copied exactly
 * @example
 * const images = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1])
 * gatherPixels(images, Int32Array.of(1, 0, 4, 4), [9]) // [[[[2], [1]], [[9], [9]]]]
 */
export function gatherPixels(
  images: tf.Tensor4D,
  source: Int32Array,
  others: ArrayLike<number> = [],
): tf.Tensor4D {
  const channels = images.shape[3]
  return tf.tidy(() => {
    const own: tf.Tensor2D = tf.reshape(images, [-1, channels])
    const count = others.length / channels
    const more = tf.tensor2d(Float32Array.from(others), [count, channels])
    const all = count > 0 ? tf.concat([own, more]) : own
    // tf.gather would check every index on the host first, which takes longer than everything else.
    const shown = tf.gatherND(all, tf.tensor2d(source, [source.length, 1], 'int32'))
    return tf.reshape(shown, images.shape)
  })
}

/**
 * The indices of a batch's pixels: as `source`, they reproduce the images.
 *
 * @param shape [batch, height, width]
 * @example
 * pixelIndices([1, 2, 2]) // [0, 1, 2, 3]
 */
export function pixelIndices([batch, height, width]: readonly number[]): Int32Array {
  const indices = new Int32Array(batch! * height! * width!)
  for (let i = 0; i < indices.length; i++) indices[i] = i
  return indices
}
