import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Tensors } from '@tricks/core'
import { defineParameters, number, type OptionsOf } from '@tricks/core/options'

export const limit = { above: 0, max: 1e12, scale: 'log' } as const
const parameters = {
  norm: defineParameters('gradient-clipping', { norm: number(limit) }),
  value: defineParameters('gradient-clipping', { value: number(limit) }),
  adaptive: defineParameters('gradient-clipping', {
    factor: number({ ...limit, default: 0.01 }),
    epsilon: number({ ...limit, default: 1e-3 }),
  }),
}

/**
 * The global norm: the Euclidean norm of all elements of all tensors.
 *
 * @returns a scalar
 * @example
 * globalNorm({ kernel: tf.tensor1d([3, 0]), bias: tf.scalar(4) }) // 5
 */
export function globalNorm(tensors: Tensors): tf.Scalar {
  return tf.tidy(() => {
    const sums = Object.values(tensors).map((tensor) => tf.sum<tf.Scalar>(tf.square(tensor)))
    return tf.sqrt(sums.reduce<tf.Scalar>((a, b) => tf.add(a, b), tf.scalar(0)))
  })
}

/**
 * Scales all gradients down to a maximum global norm: g · min(1, norm / (‖all gradients‖ + 1e-6)).
 *
 * @param gradients by path
 * @param norm above 0
 * @returns new tensors by the same paths
 * @throws RangeError for another norm
 * @example
 * const { kernel } = clipByNorm({ kernel: tf.tensor1d([3, 4]) }, 1) // [0.6, 0.8]
 * @see Pascanu et al. 2013, https://arxiv.org/abs/1211.5063; `torch.nn.utils.clip_grad_norm_`
 */
export function clipByNorm(gradients: Tensors, norm: number): Tensors {
  parameters.norm.parse({ norm })
  return tf.tidy(() => {
    const scale = tf.minimum(tf.div(norm, tf.add(globalNorm(gradients), 1e-6)), 1)
    return map(gradients, (gradient) => tf.mul(gradient, scale))
  })
}

/**
 * Clips each element of the gradients to [−value, value].
 *
 * @param gradients by path
 * @param value above 0
 * @returns new tensors by the same paths
 * @throws RangeError for another value
 * @example
 * const { kernel } = clipByValue({ kernel: tf.tensor1d([3, -0.5]) }, 1) // [1, -0.5]
 * @see `torch.nn.utils.clip_grad_value_`
 */
export function clipByValue(gradients: Tensors, value: number): Tensors {
  parameters.value.parse({ value })
  return tf.tidy(() => map(gradients, (gradient) => tf.clipByValue(gradient, -value, value)))
}

/**
 * Clips the gradient of each output unit in proportion to its weights: where ‖g‖ ≥ factor · max(‖w‖, epsilon), g becomes
 * g · factor · max(‖w‖, epsilon) / max(‖g‖, 1e-6).
 *
 * A unit is an output of a kernel, over all its axes but the last; of a depthwise kernel `[height, width, channels,
 * multiplier]`, known by its path, a channel and multiplier; a bias, like every tensor of rank 1, is one unit.
 *
 * @param weights by path
 * @param gradients by path, each of the shape of its weights
 * @param factor above 0, default 0.01
 * @param epsilon lower bound for the norm of the weights, above 0, default 0.001
 * @returns new tensors by path
 * @throws RangeError for another factor or epsilon, or a gradient without weights of its shape
 * @example
 * const weights = { kernel: tf.tensor2d([[3], [4]]) }
 * const { kernel } = clipAdaptively(weights, { kernel: tf.tensor2d([[0], [1]]) }, { factor: 0.1 }) // [[0], [0.5]]
 * @see Brock et al. 2021, https://arxiv.org/abs/2102.06171; timm's `adaptive_clip_grad`
 */
export function clipAdaptively(
  weights: Tensors,
  gradients: Tensors,
  given: OptionsOf<typeof parameters.adaptive> = {},
): Tensors {
  const { factor, epsilon } = parameters.adaptive.parse(given)
  return tf.tidy(() =>
    map(gradients, (gradient, path) => {
      const own = weights[path]
      const fits = own !== undefined && own.shape.join() === gradient.shape.join()
      const range = `of the shape [${gradient.shape.join(', ')}] of its gradient`
      assertArgument(fits, 'gradient-clipping', { [path]: own?.shape }, range)
      const most = tf.mul(tf.maximum(unitNorms(own, path), epsilon), factor)
      const norms = unitNorms(gradient, path)
      const clipped = tf.mul(gradient, tf.div(most, tf.maximum(norms, 1e-6)))
      const small = tf.less(norms, tf.broadcastTo(most, norms.shape))
      return tf.where(tf.broadcastTo(small, gradient.shape), gradient, clipped)
    }),
  )
}

/** The norm of each output unit, broadcastable to the tensor's shape. */
function unitNorms(tensor: tf.Tensor, path: string): tf.Tensor {
  const { rank } = tensor
  if (rank < 2) return tf.sqrt(tf.sum(tf.square(tensor)))
  const depthwise = rank === 4 && /(?:^|[/_])depthwise_kernel(?:-\d+)?$/.test(path)
  const axes = Array.from({ length: depthwise ? 2 : rank - 1 }, (_, axis) => axis)
  return tf.sqrt(tf.sum(tf.square(tensor), axes, true))
}

const map = (tensors: Tensors, f: (tensor: tf.Tensor, path: string) => tf.Tensor) =>
  Object.fromEntries(Object.entries(tensors).map(([path, tensor]) => [path, f(tensor, path)]))
