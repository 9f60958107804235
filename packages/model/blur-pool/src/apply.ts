import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'
import { defineParameters, integer, type OptionsOf } from '@tricks/core/options'

export const shape = {
  /** Side of the filter in pixels. */
  size: integer({ min: 1, max: 15, default: 3 }),
  /** Distance between outputs in pixels. */
  stride: integer({ min: 1, max: 1000, default: 2 }),
}
const parameters = defineParameters('blur-pool', shape)
const maxParameters = defineParameters('blur-pool', {
  ...shape,
  poolSize: integer({ min: 1, max: 1000, default: 2 }),
})

/** The filter along one axis, binomial coefficients: 1 2 1 for a size of 3. */
const binomial = (size: number): number[] => {
  let row = [1]
  for (let i = 1; i < size; i++) row = [...row, 0].map((value, at) => value + (row[at - 1] ?? 0))
  return row
}

/** Reflects the border; tf.mirrorPad has no gradient for this. */
function reflect(
  x: tf.Tensor4D,
  axis: 1 | 2,
  [before, after]: readonly [number, number],
): tf.Tensor4D {
  const length = x.shape[axis]
  const side = (start: number, size: number): tf.Tensor4D => {
    const begin = [0, 0, 0, 0] as [number, number, number, number]
    const extent: [number, number, number, number] = [...x.shape]
    begin[axis] = start
    extent[axis] = size
    return tf.reverse(tf.slice(x, begin, extent), axis)
  }
  const parts = [
    ...(before > 0 ? [side(1, before)] : []),
    x,
    ...(after > 0 ? [side(length - 1 - after, after)] : []),
  ]
  return parts.length > 1 ? tf.concat(parts, axis) : x
}

/**
 * Blurs with a binomial filter of size × size, and keeps every stride-th pixel. The border is reflected, (size − 1) / 2
 * pixels to each side.
 *
 * @param x `[batch, height, width, channels]`, with a height and width above size / 2
 * @param given `size` in [1, 15], default 3; `stride`, default 2
 * @returns `[batch, ⌈height / stride⌉, ⌈width / stride⌉, channels]` for an odd size
 * @throws RangeError for an option out of its range, or an x too small for the size
 * @example
 * const half = applyBlurPool(images, { size: 3, stride: 2 })
 * @see Zhang 2019, https://arxiv.org/abs/1904.11486, and its code; timm's `BlurPool2d`
 */
export function applyBlurPool(
  x: tf.Tensor4D,
  given: OptionsOf<typeof parameters> = {},
): tf.Tensor4D {
  const { size, stride } = parameters.parse(given)
  const [, height, width, channels] = x.shape
  const sides = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)] as const
  const fits = Math.min(height, width) > sides[1]
  const least = `of a height and width of at least ${sides[1] + 1} for a size of ${size}`
  assertArgument(fits, 'blur-pool', { x: x.shape }, least)
  return tf.tidy(() => {
    const row = binomial(size)
    const total = 4 ** (size - 1)
    const values = row.flatMap((a) =>
      row.flatMap((b) => Array<number>(channels).fill((a * b) / total)),
    )
    const filter = tf.tensor4d(values, [size, size, channels, 1])
    return tf.depthwiseConv2d(reflect(reflect(x, 1, sides), 2, sides), filter, stride, 'valid')
  })
}

/**
 * Max pooling that blurs before subsampling: the maximum of poolSize × poolSize pixels at each position, without
 * padding, then `applyBlurPool`.
 *
 * @param x `[batch, height, width, channels]`
 * @param given `size` and `stride` of the blur; `poolSize`, default 2
 * @throws RangeError for an option out of its range, or an x too small
 * @example
 * const half = applyMaxBlurPool(images, { size: 3, stride: 2, poolSize: 2 })
 * @see Zhang 2019, https://arxiv.org/abs/1904.11486
 */
export function applyMaxBlurPool(
  x: tf.Tensor4D,
  given: OptionsOf<typeof maxParameters> = {},
): tf.Tensor4D {
  const { poolSize, ...blur } = maxParameters.parse(given)
  const fits = Math.min(x.shape[1], x.shape[2]) >= poolSize
  const least = `of a height and width of at least ${poolSize}, the poolSize`
  assertArgument(fits, 'blur-pool', { x: x.shape }, least)
  return tf.tidy(() => applyBlurPool(tf.maxPool(x, poolSize, 1, 'valid'), blur))
}
