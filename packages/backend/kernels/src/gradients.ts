import * as tf from '@tensorflow/tfjs-core'
import { runKernel } from './kernel.ts'

type Config = Parameters<typeof tf.registerGradient>[0]
export type Gradient = Config['gradFunc']

/** The backends for which a gradient was replaced; tfjs may register its own again. */
const overridden = new WeakMap<Config, readonly string[]>()

/**
 * Replaces a gradient of tfjs while a backend is the current one, if `applies` returns true.
 *
 * @example
 * whenSet('my-backend', () =>
 *   overrideGradient('my-backend', tf.Exp, () => true, (dy, [x]) => ({
 *     x: () => tf.mul(dy as tf.Tensor, tf.exp(x!)),
 *   })),
 * )
 */
export function overrideGradient(
  backendName: string,
  kernelName: string,
  applies: (attributes: tf.NamedAttrMap, saved: tf.Tensor[]) => boolean,
  gradFunc: Gradient,
): void {
  const own = tf.getGradient(kernelName)
  const backends = (own && overridden.get(own)) ?? []
  if (!own || backends.includes(backendName)) return
  const config: Config = {
    ...own,
    gradFunc: (dy, saved, attributes) =>
      tf.getBackend() === backendName && applies(attributes, saved)
        ? gradFunc(dy, saved, attributes)
        : own.gradFunc(dy, saved, attributes),
  }
  overridden.set(config, [...backends, backendName])
  tf.unregisterGradient(kernelName)
  tf.registerGradient(config)
}

/** Replaces the gradient of `tf.relu`, which tfjs composes from three operations, by a backend's `ReluGrad`. */
export const overrideRelu = (backendName: string): void =>
  overrideRectifier(backendName, tf.Relu, 'ReluGrad')

/** Replaces the gradient of `tf.relu6` by a backend's `Relu6Grad`. */
export const overrideRelu6 = (backendName: string): void =>
  overrideRectifier(backendName, tf.Relu6, 'Relu6Grad')

function overrideRectifier(
  backendName: string,
  kernelName: string,
  gradient: 'ReluGrad' | 'Relu6Grad',
): void {
  overrideGradient(
    backendName,
    kernelName,
    (_, [x]) => x!.dtype === 'float32',
    (dy, [x]) => ({ x: () => runKernel(gradient, { x: x!, dy: dy as tf.Tensor }) }),
  )
}

/**
 * Replaces the gradient of `tf.batchNorm` with per-channel statistics by a backend's `FusedBatchNormGrad`.
 *
 * @example
 * whenSet('my-backend', () => overrideBatchNorm('my-backend'))
 */
export function overrideBatchNorm(backendName: string): void {
  overrideGradient(
    backendName,
    tf.FusedBatchNorm,
    (_, [x, ...statistics]) =>
      statistics.every((each) => each.rank === 1 && each.size === x!.shape.at(-1)),
    (dy, saved, attributes) => {
      // tfjs has no gradient for batch normalisation without a scale.
      const [x, mean, variance, gamma] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
      const epsilon = attributes['varianceEpsilon'] as number
      const inputs = { x, dy: dy as tf.Tensor, gamma, mean, variance }
      const [dx, dGamma, dBeta] = runKernel('FusedBatchNormGrad', inputs, { epsilon })
      const inverse = tf.rsqrt(tf.add(variance, epsilon))
      const factor = tf.mul(inverse, gamma)
      return {
        x: () => dx,
        mean: () => tf.neg(tf.mul(dBeta, factor)),
        variance: () => tf.mul(tf.mul(dGamma, -0.5), tf.mul(factor, inverse)),
        scale: () => dGamma,
        offset: () => dBeta,
      }
    },
  )
}
