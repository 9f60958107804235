import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import {
  checked,
  choice,
  defineOptions,
  defineParameters,
  number,
  type OptionsOf,
} from '@tricks/core/options'

const gamma = { min: 0, max: 100 } as const
export const focalLossOptions = defineOptions('focal-loss', {
  /**
   * Focusing power: the larger, the less well predicted examples count; 0 is the plain loss. The default is the
   * paper's.
   */
  gamma: number({ ...gamma, default: 2 }),
  /** A softmax over the classes, or a sigmoid per class. */
  of: choice(['softmax', 'sigmoid'], { default: 'softmax' }),
  /** With 'sigmoid': weight of present classes; absent ones have 1 − alpha. Null for no weights. */
  alpha: checked<number | null, { readonly default: null }>(
    'a number in [0, 1], or null',
    (value) => value === null || (typeof value === 'number' && value >= 0 && value <= 1),
    { default: null },
  ),
  /** With 'sigmoid'. 'mean': mean over all elements; 'batchmean': sum over the classes, mean over the batch. */
  reduction: choice(['mean', 'batchmean'], { default: 'batchmean' }),
})
export type FocalLossOptions = OptionsOf<typeof focalLossOptions>

const rows = checked<tf.Tensor2D>(
  'a tensor [batch, classes]',
  (value) => value instanceof tf.Tensor && value.rank === 2,
)

const softmaxParameters = defineParameters('focal-loss', {
  logits: rows,
  targets: rows,
  gamma: number({ ...gamma, default: 2 }),
})
const sigmoidParameters = defineParameters('focal-loss', {
  logits: rows,
  targets: rows,
  gamma: number({ ...gamma, default: 2 }),
  alpha: focalLossOptions.kinds.alpha,
  reduction: choice(['mean', 'batchmean'], { default: 'mean' }),
})

function check(logits: tf.Tensor, targets: tf.Tensor): void {
  const range = `of the logits' shape [${logits.shape.join(', ')}]`
  assertArgument(
    targets.shape.join() === logits.shape.join(),
    'focal-loss',
    { targets: targets.shape },
    range,
  )
}

/** rest^gamma for the remaining probability. Float32 may round it to 0, where a gamma below 1 has an infinite slope. */
const focus = (rest: tf.Tensor, power: number): tf.Tensor => tf.pow(tf.maximum(rest, 1e-16), power)

/**
 * Focal loss of a softmax: the mean over the batch of −Σₖ tₖ (1 − pₖ)^gamma log pₖ, with p the softmax of the logits.
 *
 * @param logits `[batch, classes]`
 * @param targets `[batch, classes]`, rows that sum to 1
 * @param gamma in [0, 100], default 2; 0 is the cross-entropy
 * @returns a scalar
 * @throws RangeError for another gamma, or tensors of different shapes
 * @example
 * focalLoss({ logits: studentLogits, targets, gamma: 2 })
 * @see Lin et al. 2017, https://arxiv.org/abs/1708.02002; kornia's `focal_loss` without alpha
 */
export function focalLoss(given: OptionsOf<typeof softmaxParameters>): tf.Scalar {
  const { logits, targets, gamma: power } = softmaxParameters.parse(given)
  check(logits, targets)
  return tf.tidy(() => {
    const log = tf.logSoftmax(logits)
    const entropy = tf.mul(targets, log)
    const weighted = power === 0 ? entropy : tf.mul(entropy, focus(tf.sub(1, tf.exp(log)), power))
    return tf.neg(tf.mean(tf.sum(weighted, 1)))
  })
}

/**
 * Focal loss of a sigmoid per class: −αₜ (1 − pₜ)^gamma log pₜ, where pₜ is the probability of the target's value, and
 * αₜ is alpha for a target of 1 and 1 − alpha for 0.
 *
 * @param logits `[batch, classes]`
 * @param targets `[batch, classes]`, each in [0, 1]
 * @param gamma in [0, 100], default 2
 * @param alpha in [0, 1], or null, the default, for no weights
 * @param reduction 'mean' over all elements, the default, or 'batchmean', the sum over classes
 * @returns a scalar
 * @throws RangeError for an option out of its range, or tensors of different shapes
 * @example
 * sigmoidFocalLoss({ logits: studentLogits, targets, gamma: 2, alpha: 0.25, reduction: 'mean' })
 * @see Lin et al. 2017, https://arxiv.org/abs/1708.02002; torchvision's `sigmoid_focal_loss`
 */
export function sigmoidFocalLoss(given: OptionsOf<typeof sigmoidParameters>): tf.Scalar {
  const { logits, targets, gamma: power, alpha, reduction } = sigmoidParameters.parse(given)
  check(logits, targets)
  return tf.tidy(() => {
    const entropy = tf.sub(tf.softplus(logits), tf.mul(logits, targets))
    // 1 − pₜ, computed without cancellation for large logits.
    const [yes, no] = [tf.sigmoid(logits), tf.sigmoid(tf.neg(logits))]
    const rest = tf.add(tf.mul(targets, no), tf.mul(tf.sub(1, targets), yes))
    const focused = power === 0 ? entropy : tf.mul(entropy, focus(rest, power))
    const weights = alpha === null ? undefined : tf.add(tf.mul(targets, 2 * alpha - 1), 1 - alpha)
    const losses = weights ? tf.mul(focused, weights) : focused
    return reduction === 'mean' ? tf.mean(losses) : tf.mean(tf.sum(losses, 1))
  })
}

/**
 * Trains with the focal loss instead of the cross-entropy. It replaces the loss so far: put it before tricks that add
 * to the loss.
 *
 * @throws RangeError for an option out of its range, and for a sigmoid's option with a softmax
 * @example
 * compose([focal({ gamma: 2 })])
 * @see Lin et al. 2017, https://arxiv.org/abs/1708.02002
 */
export function focal({ key, ...given }: FocalLossOptions = {}): Trick {
  const { gamma: power, of, alpha, reduction } = focalLossOptions.parse(given)
  const only = (option: Readonly<Record<string, unknown>>): void => {
    const left = Object.values(option)[0] === undefined || of === 'sigmoid'
    assertArgument(left, 'focal-loss', option, "omitted unless of is 'sigmoid'")
  }
  only({ alpha: given.alpha })
  only({ reduction: given.reduction })
  const options = of === 'softmax' ? { gamma: power, of } : { gamma: power, of, alpha, reduction }
  return {
    name: 'focal-loss',
    key,
    options,
    loss: (_, { logits, targets }) =>
      of === 'softmax'
        ? focalLoss({ logits, targets, gamma: power })
        : sigmoidFocalLoss({ logits, targets, gamma: power, alpha, reduction }),
  }
}
