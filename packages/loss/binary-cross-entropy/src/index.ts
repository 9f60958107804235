import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import {
  checked,
  choice,
  defineOptions,
  defineParameters,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'

const shape = {
  /** Label smoothing: a target of 1 becomes 1 − smoothing + smoothing / classes, and 0 becomes smoothing / classes. */
  smoothing: number({ min: 0, below: 1, default: 0 }),
  /** Targets above it count as 1, others as 0. @defaultValue soft targets */
  threshold: optional(number({ min: 0, below: 1 })),
  /** 'mean': mean over all elements; 'batchmean': sum over the classes, mean over the batch. */
  reduction: choice(['mean', 'batchmean'], { default: 'mean' }),
}

export const binaryCrossEntropyOptions = defineOptions('binary-cross-entropy', shape)
export type BinaryCrossEntropyOptions = OptionsOf<typeof binaryCrossEntropyOptions>

const rows = checked<tf.Tensor2D>(
  'a tensor [batch, classes]',
  (value) => value instanceof tf.Tensor && value.rank === 2,
)

const parameters = defineParameters('binary-cross-entropy', {
  logits: rows,
  targets: rows,
  ...shape,
})

/**
 * Cross-entropy of a sigmoid per class: −t log σ(z) − (1 − t) log(1 − σ(z)) for the logits z and targets t.
 *
 * @param logits `[batch, classes]`
 * @param targets `[batch, classes]`, each in [0, 1]; rows need not sum to 1, as with several labels
 * @param smoothing in [0, 1), default 0; applied before the threshold
 * @param threshold in [0, 1); without it targets stay soft
 * @param reduction 'mean' over all elements, the default, or 'batchmean', the sum over classes
 * @returns a scalar
 * @throws RangeError for an option out of its range, or tensors of different shapes
 * @example
 * binaryCrossEntropyLoss({ logits: studentLogits, targets, threshold: 0.2 })
 * @see Wightman et al. 2021, https://arxiv.org/abs/2110.00476; timm's `BinaryCrossEntropy`
 */
export function binaryCrossEntropyLoss(given: OptionsOf<typeof parameters>): tf.Scalar {
  const { logits, targets, smoothing, threshold, reduction } = parameters.parse(given)
  const range = `of the logits' shape [${logits.shape.join(', ')}]`
  assertArgument(
    targets.shape.join() === logits.shape.join(),
    'binary-cross-entropy',
    { targets: targets.shape },
    range,
  )
  return tf.tidy(() => {
    const [, classes] = logits.shape
    const smooth =
      smoothing > 0 ? tf.add(tf.mul(targets, 1 - smoothing), smoothing / classes) : targets
    const asked =
      threshold === undefined ? smooth : tf.cast(tf.greater(smooth, threshold), 'float32')
    // −log σ(z) = softplus(−z), −log(1 − σ(z)) = softplus(z) = softplus(−z) + z
    const losses = tf.sub(tf.softplus(logits), tf.mul(logits, asked))
    return reduction === 'mean' ? tf.mean(losses) : tf.mean(tf.sum(losses, 1))
  })
}

/**
 * Trains with a binary cross-entropy per class instead of the cross-entropy of a softmax. It replaces the loss so
 * far: put it before tricks that add to the loss.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([mixup(), binaryCrossEntropy({ threshold: 0.2 })])
 * @see Wightman et al. 2021, https://arxiv.org/abs/2110.00476
 */
export function binaryCrossEntropy({ key, ...given }: BinaryCrossEntropyOptions = {}): Trick {
  const options = binaryCrossEntropyOptions.parse(given)
  return {
    name: 'binary-cross-entropy',
    key,
    options,
    loss: (_, { logits, targets }) => binaryCrossEntropyLoss({ ...options, logits, targets }),
  }
}
