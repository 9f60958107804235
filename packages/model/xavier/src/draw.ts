import { assertOption, type Random } from '@tricks/core'

export const kinds = ['xavier-uniform', 'xavier-normal', 'kaiming-normal'] as const
export type Kind = (typeof kinds)[number]

/**
 * How many values each output is made of, and how many outputs each value goes into.
 *
 * @param shape a dense layer's `[in, out]`, a convolution's `[…, in, out]`, or a vector's `[size]`
 * @throws RangeError for a shape of no axes, or with a size that is no positive integer
 * @example
 * fans([3, 3, 16, 32]) // { fanIn: 144, fanOut: 288 }
 */
export function fans(shape: readonly number[]): {
  readonly fanIn: number
  readonly fanOut: number
} {
  const valid = shape.length > 0 && shape.every((size) => Number.isInteger(size) && size > 0)
  assertOption(valid, 'xavier', { shape }, 'positive integers, at least one')
  if (shape.length === 1) return { fanIn: shape[0]!, fanOut: shape[0]! }
  const pixels = shape.slice(0, -2).reduce((a, b) => a * b, 1)
  return { fanIn: pixels * shape.at(-2)!, fanOut: pixels * shape.at(-1)! }
}

/** The deviation of each kind's values. */
function deviationOf(kind: Kind, shape: readonly number[], gain: number): number {
  const { fanIn, fanOut } = fans(shape)
  return gain * Math.sqrt(2 / (kind === 'kaiming-normal' ? fanIn : fanIn + fanOut))
}

/** Values of mean 0: normal, or uniform in ±√3 deviations. */
export function draw(
  kind: Kind,
  random: Random,
  shape: readonly number[],
  gain: number,
): Float32Array {
  const deviation = deviationOf(kind, shape, gain)
  const bound = Math.sqrt(3) * deviation
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1))
  for (let i = 0; i < values.length; i++)
    values[i] =
      kind === 'xavier-uniform' ? random.uniform(-bound, bound) : random.normal(0, deviation)
  return values
}
