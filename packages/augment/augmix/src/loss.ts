import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, softmaxCrossEntropy } from '@tricks/core'
import { checked, defineParameters, number, type OptionsOf } from '@tricks/core/options'

const rows = (value: unknown): boolean => value instanceof tf.Tensor && value.rank === 2
const parameters = defineParameters('augmix', {
  logits: checked<readonly tf.Tensor2D[]>(
    'a list of at least 2 tensors [batch, classes], one per view',
    (value) => Array.isArray(value) && value.length > 1 && value.every(rows),
  ),
  targets: checked<tf.Tensor2D>('a tensor [batch, classes]', rows),
  alpha: number({ min: 0, max: 1e6, default: 12 }),
})

/**
 * AugMix's loss: the cross-entropy of the first view, plus alpha times the Jensen–Shannon divergence of all views'
 * predictions: the mean over views of KL(pᵥ ‖ m), for their mean m, clamped to [1e-7, 1].
 *
 * @param logits one `[batch, classes]` per view; the first is that of the original image
 * @param targets `[batch, classes]`, rows that sum to 1
 * @param alpha at least 0, default 12
 * @returns a scalar
 * @throws RangeError for an option out of its range, or tensors of different shapes
 * @example
 * jensenShannonLoss({ logits: [studentLogits, teacherLogits], targets, alpha: 12 })
 * @see Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
 */
export function jensenShannonLoss({
  logits,
  targets,
  alpha: given,
}: OptionsOf<typeof parameters>): tf.Scalar {
  const { alpha } = parameters.parse({ logits, targets, alpha: given })
  const range = `of the targets' shape [${targets.shape.join(', ')}]`
  for (const { shape } of logits)
    assertArgument(shape.join() === targets.shape.join(), 'augmix', { logits: shape }, range)
  return tf.tidy(() => {
    const logs = logits.map((view) => tf.logSoftmax(view))
    const views = logs.map((log) => tf.exp(log))
    const mean = tf.clipByValue(tf.div(tf.addN(views), views.length), 1e-7, 1)
    const mixture = tf.log(mean)
    const divergences = views.map((view, i) =>
      tf.mean<tf.Scalar>(tf.sum(tf.mul(view, tf.sub(logs[i]!, mixture)), 1)),
    )
    const divergence = tf.div<tf.Scalar>(tf.addN(divergences), views.length)
    return tf.add(softmaxCrossEntropy(targets, logits[0]!), tf.mul(divergence, alpha))
  })
}
