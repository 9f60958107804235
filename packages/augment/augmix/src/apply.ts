import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'
import { applySteps, type Interpolation, type Operation, type Step } from '@tricks/operations'

export interface AugmixParams {
  /** The chains of each image: lists of [operation, magnitude], applied in order. */
  readonly chains: readonly (readonly (readonly (readonly [string, number])[])[])[]
  /** The weights of each image's chains. */
  readonly weights: readonly (readonly number[])[]
  /** The weight of the chains in the result, per image, in [0, 1]. */
  readonly mix: readonly number[]
  /** The value outside the image in [0, 1], or one per channel; default 0. */
  readonly fill?: number | readonly number[]
  /** Interpolation of shears and rotations; default 'nearest'. */
  readonly interpolation?: Interpolation
}

/**
 * Mixes each image with the results of chains of operations on it: (1 − mix) · x + mix · Σₖ weightₖ · chainₖ(x).
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]; Color and Contrast need 1 or 3 channels
 * @returns images of the same shape; chains are computed on the grid k / 255, the mixture isn't rounded
 * @throws RangeError unless there are chains, weights and a `mix` per image, and a weight per chain
 * @example
 * applyAugmix(images, {
 *   chains: [[[['Rotate', 20]], [['Posterize', 4], ['ShearX', 0.1]]], [[['Equalize', 0]], []]],
 *   weights: [[0.5, 0.5], [0.9, 0.1]],
 *   mix: [0.3, 0.8],
 * }) // for two images
 * @see Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
 */
export function applyAugmix(
  images: tf.Tensor4D,
  { chains, weights, mix, fill = 0, interpolation = 'nearest' }: AugmixParams,
): tf.Tensor4D {
  const [batch] = images.shape
  const check = (
    valid: boolean,
    argument: Readonly<Record<string, unknown>>,
    range: string,
  ): void => assertArgument(valid, 'augmix', argument, range)
  const within = (value: number): boolean => Number.isFinite(value) && value >= 0 && value <= 1
  const lists = chains?.length === batch && chains.every((own) => Array.isArray(own))
  check(lists, { chains }, `${batch} lists of chains, one per image`)
  const each = mix?.length === batch && mix.every(within)
  check(each, { mix }, `${batch} numbers in [0, 1], one per image`)
  const weighed =
    weights?.length === batch &&
    weights.every((own, i) => own.length === chains[i]!.length && own.every(within))
  check(weighed, { weights }, 'a number in [0, 1] for each chain of each image')

  const width = Math.max(0, ...chains.map((own) => own.length))
  return tf.tidy(() => {
    const perImage = (values: number[]): tf.Tensor => tf.tensor4d(values, [batch, 1, 1, 1])
    const rest = perImage(mix.map((share) => 1 - share))
    const parts = Array.from({ length: width }, (_, k) => {
      const steps = chains.map((own) =>
        (own[k] ?? []).map(([op, magnitude]): Step => ({ op: op as Operation, magnitude })),
      )
      const shares = perImage(mix.map((share, i) => share * (weights[i]![k] ?? 0)))
      return tf.mul<tf.Tensor4D>(
        applySteps(images, { steps, fill, interpolation }, 'augmix'),
        shares,
      )
    })
    return tf.addN([tf.mul<tf.Tensor4D>(images, rest), ...parts])
  })
}
