import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Random } from '@tricks/core'
import type { Method } from './options.ts'

/**
 * Number of inputs per output value of a layer, and of outputs per input: the sizes of the last two axes, times those
 * of the axes before.
 *
 * @param shape shape of a kernel: `[in, out]` or `[height, width, in, out]`
 * @throws RangeError if the shape has fewer than two axes
 * @example
 * fans([3, 3, 16, 32]) // { fanIn: 144, fanOut: 288 }
 */
export function fans(shape: readonly number[]): {
  readonly fanIn: number
  readonly fanOut: number
} {
  const sizes = Array.isArray(shape) && shape.length >= 2 && shape.every((size) => size > 0)
  assertArgument(sizes, 'initializers', { shape }, "a kernel's, of at least two axes")
  const field = shape.slice(0, -2).reduce((product, size) => product * size, 1)
  return { fanIn: field * shape.at(-2)!, fanOut: field * shape.at(-1)! }
}

/** The random values of a kernel; `like` is the shape that determines the fans, if it differs. */
export function fill(
  method: Method,
  shape: readonly number[],
  { random, gain, like = shape }: { random: Random; gain: number; like?: readonly number[] },
): tf.Tensor {
  const { fanIn, fanOut } = fans(like)
  const variance = method === 'kaimingNormal' ? 2 / fanIn : 2 / (fanIn + fanOut)
  const deviation = gain * Math.sqrt(variance)
  const bound = Math.sqrt(3) * deviation
  const draw =
    method === 'xavierUniform'
      ? (): number => random.uniform(-bound, bound)
      : (): number => random.normal(0, deviation)
  const values = new Float32Array(tf.util.sizeFromShape([...shape]))
  for (let i = 0; i < values.length; i++) values[i] = draw()
  return tf.tensor(values, [...shape])
}
