import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import {
  boolean,
  checked,
  choice,
  defineOptions,
  defineParameters,
  number,
  type OptionsOf,
} from '@tricks/core/options'

const gamma = { min: 0, max: 100 } as const
const shape = {
  /** Focusing power for absent classes: the larger, the less the well predicted ones count. */
  gammaNegative: number({ ...gamma, default: 4 }),
  /** Focusing power for present classes: the larger, the less the well predicted ones count. */
  gammaPositive: number({ ...gamma, default: 1 }),
  /** Absent classes with a probability below this don't count. */
  clip: number({ min: 0, max: 1, default: 0.05 }),
  /** Let no gradient flow through the focusing weights, as in the authors' code. */
  stopGradient: boolean({ default: true }),
  /** 'batchmean': sum over the classes, mean over the batch; 'mean': mean over all elements. */
  reduction: choice(['batchmean', 'mean'], { default: 'batchmean' }),
}

export const asymmetricLossOptions = defineOptions('asymmetric-loss', shape)
export type AsymmetricLossOptions = OptionsOf<typeof asymmetricLossOptions>

const rows = checked<tf.Tensor2D>(
  'a tensor [batch, classes]',
  (value) => value instanceof tf.Tensor && value.rank === 2,
)

const parameters = defineParameters('asymmetric-loss', { logits: rows, targets: rows, ...shape })

/**
 * Asymmetric loss of a sigmoid p per class: −t (1 − p)^gammaPositive log p − (1 − t) (1 − q)^gammaNegative log q, where
 * q = min(1, 1 − p + clip) is the probability of absence, raised by `clip`.
 *
 * @param logits `[batch, classes]`
 * @param targets `[batch, classes]`, each 0 or 1; a row may contain several labels
 * @param gammaNegative in [0, 100], default 4
 * @param gammaPositive in [0, 100], default 1
 * @param clip in [0, 1], default 0.05
 * @param stopGradient default true
 * @param reduction 'batchmean', the sum over classes, by default
 * @returns a scalar
 * @throws RangeError for an option out of its range, or tensors of different shapes
 * @example
 * asymmetricLoss({ logits: studentLogits, targets, gammaNegative: 4, gammaPositive: 1 })
 * @see Ridnik et al. 2021, https://arxiv.org/abs/2009.14119; timm's `AsymmetricLossMultiLabel`
 */
export function asymmetricLoss(given: OptionsOf<typeof parameters>): tf.Scalar {
  const { logits, targets, reduction, ...how } = parameters.parse(given)
  const range = `of the logits' shape [${logits.shape.join(', ')}]`
  assertArgument(
    targets.shape.join() === logits.shape.join(),
    'asymmetric-loss',
    { targets: targets.shape },
    range,
  )
  return tf.tidy(() => {
    const { present, absent } = parts(logits, how.clip)
    const negatives = tf.sub(1, targets)
    const logs = tf.add(
      tf.mul(targets, tf.log(tf.maximum(present, 1e-8))),
      tf.mul(negatives, tf.log(tf.maximum(absent, 1e-8))),
    )
    const weights = how.stopGradient
      ? constant((z) => weightsOf(z, targets, how))(logits)
      : weightsOf(logits, targets, how)
    const losses = tf.neg(tf.mul(logs, weights))
    return reduction === 'mean' ? tf.mean(losses) : tf.mean(tf.sum(losses, 1))
  })
}

const parts = (logits: tf.Tensor, clip: number): { present: tf.Tensor; absent: tf.Tensor } => ({
  present: tf.sigmoid(logits),
  absent: tf.minimum(tf.add(tf.sigmoid(tf.neg(logits)), clip), 1),
})

/** (1 − p)^gamma, where p is the probability of the target's value. */
function weightsOf(
  logits: tf.Tensor,
  targets: tf.Tensor,
  {
    gammaNegative,
    gammaPositive,
    clip,
  }: { gammaNegative: number; gammaPositive: number; clip: number },
): tf.Tensor {
  if (gammaNegative === 0 && gammaPositive === 0) return tf.onesLike(logits)
  const { present, absent } = parts(logits, clip)
  const negatives = tf.sub(1, targets)
  const right = tf.add(tf.mul(present, targets), tf.mul(absent, negatives))
  const powers = tf.add(tf.mul(targets, gammaPositive), tf.mul(negatives, gammaNegative))
  // At 0, a power below 1 has an infinite slope.
  return tf.pow(tf.maximum(tf.sub(1, right), 1e-16), powers)
}

/** A function that stops the gradient. */
const constant = (f: (x: tf.Tensor) => tf.Tensor): ((x: tf.Tensor) => tf.Tensor) =>
  tf.customGrad((input) => {
    const x = input as tf.Tensor
    const { shape: own } = x
    return { value: f(x), gradFunc: () => tf.zeros(own) }
  })

/**
 * Trains with the asymmetric loss instead of the cross-entropy. It replaces the loss so far: put it before tricks that
 * add to the loss.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([asymmetric({ gammaNegative: 4 })])
 * @see Ridnik et al. 2021, https://arxiv.org/abs/2009.14119
 */
export function asymmetric({ key, ...given }: AsymmetricLossOptions = {}): Trick {
  const options = asymmetricLossOptions.parse(given)
  return {
    name: 'asymmetric-loss',
    key,
    options,
    loss: (_, { logits, targets }) => asymmetricLoss({ ...options, logits, targets }),
  }
}
