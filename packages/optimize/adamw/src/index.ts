import * as tf from '@tensorflow/tfjs-core'
import { defineParameters, number, type OptionsOf } from '@tricks/core/options'
import { type Part, SlotOptimizer } from '@tricks/optimizer'

export const adamwOptions = defineParameters('adamw', {
  /** Learning rate; a schedule sets it at each step. */
  learningRate: number({ min: 0, max: 1e6, scale: 'log', default: 0.001 }),
  /** Decay rate of the gradients' mean. */
  beta1: number({ min: 0, below: 1, default: 0.9 }),
  /** Decay rate of the squared gradients' mean. */
  beta2: number({ min: 0, below: 1, default: 0.999 }),
  /** Added to the root of the squared gradients' mean. */
  epsilon: number({ above: 0, max: 1e6, scale: 'log', default: 1e-8 }),
  /** Decoupled decay: each step multiplies the weights by 1 − `learningRate` · `weightDecay`. */
  weightDecay: number({ min: 0, max: 1e6, scale: 'log', default: 0.01 }),
})
export type AdamWOptions = OptionsOf<typeof adamwOptions>

/** The optimizer that `adamw` creates. */
export class AdamW extends SlotOptimizer<'m' | 'v'> {
  static readonly className: string = 'AdamW'

  private readonly options: Required<AdamWOptions>

  constructor(given: AdamWOptions = {}) {
    const options = adamwOptions.parse(given)
    super('adamw', options.learningRate, ['m', 'v'])
    this.options = options
  }

  protected override update(parts: readonly Part<'m' | 'v'>[]): void {
    const { beta1, beta2, epsilon, weightDecay } = this.options
    for (const { variable, gradient, kept, t, decay } of parts) {
      const { m, v } = kept
      m.assign(tf.add(tf.mul(m, beta1), tf.mul(gradient, 1 - beta1)))
      v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), 1 - beta2)))
      const root = tf.add(tf.div(tf.sqrt(v), Math.sqrt(1 - beta2 ** t)), epsilon)
      const step = tf.mul(tf.div(m, root), this.learningRate / (1 - beta1 ** t))
      const before = tf.mul(variable, 1 - this.learningRate * weightDecay * decay)
      variable.assign(tf.sub(before, step))
    }
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...this.options, learningRate: this.learningRate }
  }
}

tf.serialization.registerClass(AdamW)

/**
 * AdamW: Adam with weight decay that acts directly on the weights. At step t, from 1, elementwise:
 *
 * m = β₁ m + (1 − β₁) g, v = β₂ v + (1 − β₂) g²
 * w = (1 − learningRate · weightDecay) w − learningRate · m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε)
 *
 * @returns a `tf.Optimizer`, for `model.compile`, `minimize` and `applyGradients`
 * @throws RangeError for an option out of its range
 * @example
 * train({ ...options, optimizer: adamw({ learningRate: 0.001, weightDecay: 0.05 }) })
 * @see Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101; `torch.optim.AdamW`
 */
export function adamw(options: AdamWOptions = {}): AdamW {
  return new AdamW(options)
}
