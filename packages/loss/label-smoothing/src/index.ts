import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import { defineOptions, number, type OptionsOf } from '@tricks/core/options'

export const labelSmoothingOptions = defineOptions('label-smoothing', {
  /** The weight that moves from the target to all classes; the default is the paper's. */
  epsilon: number({ min: 0, below: 1, default: 0.1 }),
})
export type LabelSmoothingOptions = OptionsOf<typeof labelSmoothingOptions>

/**
 * Smooths targets: targets · (1 − ε) + ε / classes.
 *
 * @param targets float32 `[batch, classes]`, rows that sum to 1
 * @param epsilon in [0, 1)
 * @returns targets of the same shape; rows still sum to 1
 * @throws RangeError for an epsilon out of its range
 * @example
 * smoothTargets(oneHot([2], 4), 0.1) // [[0.025, 0.025, 0.925, 0.025]]
 * @see Szegedy et al. 2016, https://arxiv.org/abs/1512.00567
 */
export function smoothTargets(targets: tf.Tensor2D, epsilon: number): tf.Tensor2D {
  const kind = labelSmoothingOptions.kinds.epsilon
  assertArgument(kind.accepts(epsilon), 'label-smoothing', { epsilon }, kind.range)
  return tf.tidy(() => tf.add(tf.mul(targets, 1 - epsilon), epsilon / targets.shape[1]))
}

/**
 * Trains on smoothed targets, which discourages overconfidence. Mixing comes first; metrics and evaluation use the
 * original targets.
 *
 * @throws RangeError for an epsilon out of [0, 1)
 * @example
 * compose([labelSmoothing({ epsilon: 0.1 })])
 * @see Szegedy et al. 2016, https://arxiv.org/abs/1512.00567
 */
export function labelSmoothing({ key, ...given }: LabelSmoothingOptions = {}): Trick {
  const options = labelSmoothingOptions.parse(given)
  return {
    name: 'label-smoothing',
    key,
    options,
    targets: (targets) => smoothTargets(targets, options.epsilon),
  }
}
