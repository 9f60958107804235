import * as tf from '@tensorflow/tfjs-core'
import { assertOption, type Trick } from '@tricks/core'

export interface LabelSmoothingOptions {
  /** The share that moves from the target to all classes, in [0, 1); default 0.1, the paper's. */
  readonly epsilon?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/**
 * Smooths targets: targets · (1 − ε) + ε / classes.
 *
 * @param targets float32 `[batch, classes]`, rows that sum to 1
 * @param epsilon in [0, 1)
 * @returns as `targets`; rows still sum to 1
 * @throws RangeError for another epsilon
 * @example
 * smoothTargets(oneHot([2], 4), 0.1) // [[0.025, 0.025, 0.925, 0.025]]
 * @see Szegedy et al. 2016, https://arxiv.org/abs/1512.00567
 */
export function smoothTargets(targets: tf.Tensor2D, epsilon: number): tf.Tensor2D {
  assertOption(epsilon >= 0 && epsilon < 1, 'label-smoothing', { epsilon }, 'a number in [0, 1)')
  return tf.tidy(() => tf.add(tf.mul(targets, 1 - epsilon), epsilon / targets.shape[1]))
}

/**
 * Trains on smoothed targets, so that the network doesn't chase certainty. Mixing comes first, and metrics
 * and evaluation use the targets as they were.
 *
 * @throws RangeError for an epsilon out of [0, 1)
 * @example
 * compose([labelSmoothing({ epsilon: 0.1 })])
 * @see Szegedy et al. 2016, https://arxiv.org/abs/1512.00567
 */
export function labelSmoothing({ epsilon = 0.1, key }: LabelSmoothingOptions = {}): Trick {
  assertOption(epsilon >= 0 && epsilon < 1, 'label-smoothing', { epsilon }, 'a number in [0, 1)')
  return {
    name: 'label-smoothing',
    key,
    options: { epsilon },
    targets: (targets) => smoothTargets(targets, epsilon),
  }
}
