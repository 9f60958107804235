import * as tf from '@tensorflow/tfjs-core'

/** factor · images + (1 − factor) · others, clipped to [0, 1]. */
export function blend(images: tf.Tensor4D, others: tf.Tensor, factors: tf.Tensor4D): tf.Tensor4D {
  const other = tf.mul(tf.sub(1, factors), others)
  return tf.clipByValue(tf.add(tf.mul(images, factors), other), 0, 1)
}

/** Luma by the weights of ITU-R BT.601, `[batch, height, width, 1]`; an image of one channel is grey. */
export function grey(images: tf.Tensor4D): tf.Tensor4D {
  if (images.shape[3] === 1) return images
  // No matrix product: on some devices these are of half precision.
  return tf.sum(tf.mul(images, tf.tensor1d([0.2989, 0.587, 0.114])), 3, true)
}

/**
 * Turns hues by parts of the circle, value and saturation as they were: channel n ∈ {5, 3, 1} (red, green,
 * blue) is max − chroma · clip(min(k, 4 − k), 0, 1) with k = (n + hue) mod 6, hue in sixths of the circle.
 */
export function turnHue(images: tf.Tensor4D, turns: tf.Tensor4D): tf.Tensor4D {
  const [red, green, blue] = tf.split(images, 3, 3) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D]
  const max = tf.maximum(tf.maximum(red, green), blue)
  const chroma = tf.sub(max, tf.minimum(tf.minimum(red, green), blue))
  // Grey has no hue: any will do.
  const divisor = tf.add(chroma, tf.cast(tf.equal(chroma, 0), 'float32'))
  const sixths = tf.where(
    tf.equal(max, red),
    tf.div(tf.sub(green, blue), divisor),
    tf.where(
      tf.equal(max, green),
      tf.add(tf.div(tf.sub(blue, red), divisor), 2),
      tf.add(tf.div(tf.sub(red, green), divisor), 4),
    ),
  )
  const turned = tf.add(tf.add(sixths, tf.mul(turns, 6)), tf.tensor1d([5, 3, 1]))
  const k = tf.sub(turned, tf.mul(tf.floor(tf.div(turned, 6)), 6))
  const share = tf.clipByValue(tf.minimum(k, tf.sub(4, k)), 0, 1)
  return tf.clipByValue(tf.sub(max, tf.mul(chroma, share)), 0, 1)
}
