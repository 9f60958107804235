import * as tf from '@tensorflow/tfjs-core'
import { defineParameters, number, type OptionsOf } from '@tricks/core/options'
import { type Part, SlotOptimizer } from '@tricks/optimizer'

export const lionOptions = defineParameters('lion', {
  /** Learning rate; a schedule sets it at each step. */
  learningRate: number({ min: 0, max: 1e6, scale: 'log', default: 1e-4 }),
  /** Weight of the momentum against the gradient in the sign. */
  beta1: number({ min: 0, below: 1, default: 0.9 }),
  /** Decay rate of the momentum. */
  beta2: number({ min: 0, below: 1, default: 0.99 }),
  /** Decoupled decay: each step multiplies the weights by 1 − `learningRate` · `weightDecay`. */
  weightDecay: number({ min: 0, max: 1e6, scale: 'log', default: 0 }),
})
export type LionOptions = OptionsOf<typeof lionOptions>

/** On wasm, tfjs's sign is 0 for numbers below about 1e-5. */
const signOf = (x: tf.Tensor): tf.Tensor =>
  tf.sub(tf.cast(tf.greater(x, 0), 'float32'), tf.cast(tf.less(x, 0), 'float32'))

/** The optimizer that `lion` creates. */
export class Lion extends SlotOptimizer<'m'> {
  static readonly className: string = 'Lion'

  private readonly options: Required<LionOptions>

  constructor(given: LionOptions = {}) {
    const options = lionOptions.parse(given)
    super('lion', options.learningRate, ['m'])
    this.options = options
  }

  protected override update(parts: readonly Part<'m'>[]): void {
    const { beta1, beta2, weightDecay } = this.options
    for (const { variable, gradient, kept, decay } of parts) {
      const { m } = kept
      const step = signOf(tf.add(tf.mul(m, beta1), tf.mul(gradient, 1 - beta1)))
      const before = tf.mul(variable, 1 - this.learningRate * weightDecay * decay)
      variable.assign(tf.sub(before, tf.mul(step, this.learningRate)))
      m.assign(tf.add(tf.mul(m, beta2), tf.mul(gradient, 1 - beta2)))
    }
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...this.options, learningRate: this.learningRate }
  }
}

tf.serialization.registerClass(Lion)

/**
 * Lion: every weight moves by the learning rate, in the direction of the momentum's sign. Elementwise:
 *
 * w = (1 − learningRate · weightDecay) w − learningRate · sign(β₁ m + (1 − β₁) g), then m = β₂ m + (1 − β₂) g
 *
 * @returns a `tf.Optimizer`, for `model.compile`, `minimize` and `applyGradients`
 * @throws RangeError for an option out of its range
 * @example
 * train({ ...options, optimizer: lion({ learningRate: 3e-4, weightDecay: 0.5 }) })
 * @see Chen et al. 2023, https://arxiv.org/abs/2302.06675; timm's `Lion`
 */
export function lion(options: LionOptions = {}): Lion {
  return new Lion(options)
}
