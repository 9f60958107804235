import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'
import { checked, defineParameters, integer, number, type OptionsOf } from '@tricks/core/options'

const rate = number({ min: 0, max: 1 })
const parameters = defineParameters('stochastic-depth', {
  keep: checked<ArrayLike<number>>(
    'a list of 0 and 1, one per image',
    (value) =>
      (Array.isArray(value) || ArrayBuffer.isView(value)) &&
      Array.from(value as ArrayLike<number>).every((each) => each === 0 || each === 1),
  ),
  rate,
})
const rates = defineParameters('stochastic-depth', { depth: integer({ min: 1 }), rate })

/**
 * Drops a branch for some images: x · keep / (1 − rate).
 *
 * @param x `[batch, …]`
 * @param keep 0 or 1 for each image
 * @param rate the probability that an image is dropped, in [0, 1]
 * @returns a tensor of the same shape
 * @throws RangeError for a rate out of its range, or unless there is one number per image
 * @example
 * const branch = applyStochasticDepth(x, { keep: [1, 0], rate: 0.2 })
 * @see Huang et al. 2016, https://arxiv.org/abs/1603.09382; torchvision's `stochastic_depth`
 */
export function applyStochasticDepth<T extends tf.Tensor>(
  x: T,
  given: OptionsOf<typeof parameters>,
): T {
  const { keep, rate: dropped } = parameters.parse({ keep: given.keep, rate: given.rate })
  const batch = x.shape[0]
  const range = `${batch} numbers, one per image`
  assertArgument(keep.length === batch, 'stochastic-depth', { keep }, range)
  const scale = dropped < 1 ? 1 / (1 - dropped) : 1
  return tf.tidy(() => {
    const mask = Float32Array.from(keep, (each) => each * scale)
    return tf.mul(x, tf.tensor(mask, [batch, ...x.shape.slice(1).map(() => 1)]))
  })
}

/**
 * The rate of each block, evenly spaced from 0 at the first to `rate` at the last.
 *
 * @param given `depth`, the number of blocks, and the last block's `rate`, in [0, 1]
 * @returns a rate per block; that of a single block is 0
 * @throws RangeError for an option out of its range
 * @example
 * depthRates({ depth: 3, rate: 0.2 }) // [0, 0.1, 0.2]
 * @see timm's `calculate_drop_path_rates`
 */
export function depthRates(given: OptionsOf<typeof rates>): number[] {
  const { depth, rate: last } = rates.parse(given)
  return Array.from({ length: depth }, (_, i) => (depth === 1 ? 0 : (last * i) / (depth - 1)))
}
