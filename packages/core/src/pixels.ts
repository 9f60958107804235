import * as tf from '@tensorflow/tfjs-core'

/**
 * Images whose every pixel shows some pixel: out[i] = all[source[i]], where `all` are the batch's pixels, one after the
 * other, and then the `others`.
 *
 * @param images `[batch, height, width, channels]`
 * @param source a place for each pixel of the result, in [0, batch · height · width + others); none is checked
 * @param others more pixels to show, such as what lies outside of the images: their channels, one pixel after the other;
 * default none
 * @returns as `images`; pixels are copied exactly
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
    // tf.gather would look at each place on the host first, which takes longer than all the rest.
    const shown = tf.gatherND(all, tf.tensor2d(source, [source.length, 1], 'int32'))
    return tf.reshape(shown, images.shape)
  })
}

/**
 * The places of a batch's pixels: as a `source`, it shows each image as it is.
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
