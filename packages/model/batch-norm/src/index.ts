import { BatchNorm } from './layer.ts'
import { type BatchNormOptions, batchNormOptions } from './options.ts'

export { BatchNorm, type BatchNormOptions, batchNormOptions }

/**
 * A batch normalisation layer with torch's statistics: y = gamma · (x − mean) / √(variance + epsilon) + beta.
 *
 * In training (`model.fit`, or `model.apply(x, { training: true })`), mean and variance are those of the batch, per
 * channel, and update the moving statistics, with the unbiased variance. In inference, and if the layer or an enclosing
 * model is frozen (`trainable = false`), the moving statistics are used. `{ training: true, statistics: 'keep' }`
 * normalises by the batch without updating them.
 *
 * The channels are the last axis: x is `[batch, channels]` or `[batch, …, channels]`, float32. The weights are
 * `gamma`, `beta`, `moving_mean` and `moving_variance`, each `[channels]`.
 *
 * @param options.momentum in [0, 1), default 0.99: decay rate of the moving statistics
 * @param options.epsilon positive, default 1e-5
 * @param options.gamma 0 or 1, default 1: initial value of gamma
 * @param options.name the layer's name
 * @throws RangeError for an option out of its range
 * @example
 * const model = tf.sequential()
 * model.add(tf.layers.conv2d({ filters: 32, kernelSize: 3, useBias: false, inputShape: [32, 32, 3] }))
 * model.add(batchNorm({ momentum: 0.9 }))
 * @see Ioffe and Szegedy, Batch Normalization, 2015, https://arxiv.org/abs/1502.03167
 */
export function batchNorm(options: BatchNormOptions = {}): BatchNorm {
  return new BatchNorm(batchNormOptions.parse(options))
}
