import * as tf from '@tensorflow/tfjs-core'

/** A batch of images by channel, `[batch, height · width]` each: red, green and blue, or grey only. */
export type Planes = readonly tf.Tensor2D[]

export function toPlanes(images: tf.Tensor4D): Planes {
  const [batch, height, width, channels] = images.shape
  const planes = tf.transpose(images, [3, 0, 1, 2])
  const lines: tf.Tensor2D = tf.reshape(planes, [channels * batch, height * width])
  return Array.from({ length: channels }, (_, channel) => tf.slice(lines, channel * batch, batch))
}

export function toImages(planes: Planes, shape: tf.Tensor4D['shape']): tf.Tensor4D {
  const [batch, height, width, channels] = shape
  const stacked: tf.Tensor4D = tf.reshape(tf.stack([...planes]), [channels, batch, height, width])
  return tf.transpose(stacked, [1, 2, 3, 0])
}

/** factor · plane, clipped to [0, 1]. */
export function scale(planes: Planes, factors: tf.Tensor2D): Planes {
  return planes.map((plane) => tf.clipByValue(tf.mul(plane, factors), 0, 1))
}

/** factor · plane + (1 − factor) · other, clipped to [0, 1]. */
export function blend(planes: Planes, other: tf.Tensor, factors: tf.Tensor2D): Planes {
  const rest = tf.mul(other, tf.sub(1, factors))
  return planes.map((plane) => tf.clipByValue(tf.add(tf.mul(plane, factors), rest), 0, 1))
}

/** plane + shift, clipped to [0, 1]. */
export function add(planes: Planes, shift: (channel: number) => tf.Tensor2D): Planes {
  return planes.map((plane, channel) => tf.clipByValue(tf.add(plane, shift(channel)), 0, 1))
}

/** Luma by the weights of ITU-R BT.601. */
export function grey([red, green, blue]: Planes): tf.Tensor2D {
  if (!green || !blue) return red!
  return tf.add(tf.add(tf.mul(red!, 0.2989), tf.mul(green, 0.587)), tf.mul(blue, 0.114))
}

/**
 * Rotates hues by fractions of the circle, keeping value and saturation: channel n ∈ {5, 3, 1} (red, green, blue) is
 * max − chroma · clip(2 − |k − 2|, 0, 1) with k = (n + hue) mod 6, hue in sixths of the circle.
 */
export function turnHue(planes: Planes, turns: tf.Tensor2D): Planes {
  const [red, green, blue] = planes as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D]
  const max: tf.Tensor2D = tf.maximum(tf.maximum(red, green), blue)
  const chroma: tf.Tensor2D = tf.sub(max, tf.minimum(tf.minimum(red, green), blue))
  // Grey has no hue; any value works.
  const divisor = tf.maximum(chroma, 1e-30)
  const sixths = tf.where(
    tf.equal(max, red),
    tf.div(tf.sub(green, blue), divisor),
    tf.where(
      tf.equal(max, green),
      tf.add(tf.div(tf.sub(blue, red), divisor), 2),
      tf.add(tf.div(tf.sub(red, green), divisor), 4),
    ),
  )
  const hue = tf.add(sixths, tf.mul(turns, 6))
  return [5, 3, 1].map((n) => {
    const turned = tf.add(hue, n)
    const k = tf.sub(turned, tf.mul(tf.floor(tf.div(turned, 6)), 6))
    const share = tf.clipByValue(tf.sub(2, tf.abs(tf.sub(k, 2))), 0, 1)
    return tf.sub(max, tf.mul(chroma, share))
  })
}
