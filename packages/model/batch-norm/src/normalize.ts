// Normalisation by batch statistics, with its gradient: functions for tf.customGrad.
import * as tf from '@tensorflow/tfjs-core'
import { runKernel } from '@tricks/kernels'

/** Receives the batch's mean and biased variance. */
export type Observe = (mean: tf.Tensor, variance: tf.Tensor) => void
export type Normalize = (
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  save: tf.GradSaveFunc,
) => { value: tf.Tensor; gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[] }

/** Forward and backward passes with the backend's kernels. */
export function byKernels(epsilon: number, observe: Observe): Normalize {
  return (input, scale, beta, save) => {
    const given = { x: input, gamma: scale, beta }
    const [value, ...statistics] = runKernel('BatchNormTraining', given, { epsilon })
    observe(...statistics)
    save([input, scale, ...statistics])
    return {
      value,
      gradFunc: (dy, saved) => {
        const [x, gamma, mean, variance] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
        const inputs = { x, dy, gamma, mean, variance }
        return [...runKernel('BatchNormTrainingGrad', inputs, { epsilon })]
      },
    }
  }
}

export function byOperations(epsilon: number, observe: Observe): Normalize {
  return (x, gamma, beta, save) => {
    const axes = x.shape.map((_, axis) => axis).slice(0, -1)
    const count = x.size / gamma.size
    const mean = tf.mean(x, axes)
    const centred = tf.sub(x, mean)
    const variance = tf.mean(tf.square(centred), axes)
    observe(mean, variance)
    const inverse = tf.rsqrt(tf.add(variance, epsilon))
    const factor = tf.mul(inverse, gamma)
    save([centred, inverse, factor])
    return {
      value: tf.add(tf.mul(centred, factor), beta),
      // dx = gamma / √(variance + epsilon) · (dy − mean(dy) − normalized · mean(dy · normalized))
      gradFunc: (dy, saved) => {
        const normalized = tf.mul(saved[0]!, saved[1]!)
        const dBeta = tf.sum(dy, axes)
        const dGamma = tf.sum(tf.mul(dy, normalized), axes)
        const shared = tf.add(tf.div(dBeta, count), tf.mul(normalized, tf.div(dGamma, count)))
        return [tf.mul(tf.sub(dy, shared), saved[2]!), dGamma, dBeta]
      },
    }
  }
}
