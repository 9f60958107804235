import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, softmaxCrossEntropy, type Trick } from '@tricks/core'
import {
  checked,
  defineOptions,
  defineParameters,
  number,
  type OptionsOf,
} from '@tricks/core/options'

const shape = {
  /** Training images of each class. */
  counts: checked<readonly number[]>(
    'a list of numbers above 0, one per class',
    (value) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.every((each) => Number.isFinite(each) && (each as number) > 0),
  ),
  /** Strength: 1 is optimal for the mean accuracy over classes, 0 is the plain loss. */
  tau: number({ min: 0, max: 100, default: 1 }),
}

export const logitAdjustmentOptions = defineOptions('logit-adjustment', shape)
export type LogitAdjustmentOptions = OptionsOf<typeof logitAdjustmentOptions>

const parameters = defineParameters('logit-adjustment', shape)

/**
 * Adds the logarithm of each class's frequency to its logit: logits + tau · log(countₖ / Σ counts).
 *
 * @param logits `[batch, classes]`
 * @param counts images of each class, above 0
 * @param tau in [0, 100], default 1
 * @returns adjusted logits `[batch, classes]`
 * @throws RangeError for an option out of its range, or unless there is one count per class
 * @example
 * adjustLogits(tf.tensor2d([[0, 0]]), { counts: [3, 1], tau: 1 }) // log 0.75 and log 0.25
 * @see Menon et al. 2021, https://arxiv.org/abs/2007.07314
 */
export function adjustLogits(
  logits: tf.Tensor2D,
  given: OptionsOf<typeof parameters>,
): tf.Tensor2D {
  const { counts, tau } = parameters.parse(given)
  const classes = logits.shape[1]
  assertArgument(counts.length === classes, 'logit-adjustment', { counts }, `${classes} numbers`)
  const total = counts.reduce((sum, count) => sum + count)
  return tf.tidy(() =>
    tf.add(logits, tf.tensor1d(counts.map((count) => tau * Math.log(count / total)))),
  )
}

/**
 * Trains with the cross-entropy of adjusted logits, so that rare classes must win by a larger margin, and the network's
 * own logits become those of balanced classes. It replaces the loss so far: put it before tricks that add to the loss.
 *
 * @throws RangeError for an option out of its range; at the start of a run, unless there is one count per class
 * @example
 * compose([logitAdjustment({ counts: [5000, 500, 50] })])
 * @see Menon et al. 2021, https://arxiv.org/abs/2007.07314
 */
export function logitAdjustment({ key, ...given }: LogitAdjustmentOptions): Trick {
  const options = logitAdjustmentOptions.parse(given)
  const { counts } = options
  return {
    name: 'logit-adjustment',
    key,
    options,
    start({ data: { classes } }) {
      const range = `a list of ${classes} numbers, one per class`
      assertArgument(counts.length === classes, 'logit-adjustment', { counts }, range)
      return null
    },
    loss: (_, { logits, targets }) =>
      tf.tidy(() => softmaxCrossEntropy(targets, adjustLogits(logits, options))),
  }
}
