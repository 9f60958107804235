import * as tf from '@tensorflow/tfjs-core'
import { boolean, checked, defineParameters, number, type OptionsOf } from '@tricks/core/options'
import { type Part, SlotOptimizer } from '@tricks/optimizer'

export const lambOptions = defineParameters('lamb', {
  /** Learning rate; a schedule sets it at each step. */
  learningRate: number({ min: 0, max: 1e6, scale: 'log', default: 0.001 }),
  /** Decay rate of the gradients' mean. */
  beta1: number({ min: 0, below: 1, default: 0.9 }),
  /** Decay rate of the squared gradients' mean. */
  beta2: number({ min: 0, below: 1, default: 0.999 }),
  /** Added to the root of the squared gradients' mean. */
  epsilon: number({ above: 0, max: 1e6, scale: 'log', default: 1e-6 }),
  /** `weightDecay` · w is added to the step before it is scaled. */
  weightDecay: number({ min: 0, max: 1e6, scale: 'log', default: 0.01 }),
  /** Maximum global norm of the gradients, which are scaled down to it; null for none. */
  maxGradientNorm: checked<number | null, { readonly default: number }>(
    'a number above 0, or null',
    (value) => value === null || (typeof value === 'number' && value > 0 && value < Infinity),
    { default: 1 },
  ),
  /** Divide the means by 1 − βᵗ, as Adam does. */
  biasCorrection: boolean({ default: true }),
  /** Weight each gradient by 1 − beta1 in the running mean, instead of 1. */
  gradientAveraging: boolean({ default: true }),
  /** Only scale steps down, never up. */
  trustClip: boolean({ default: false }),
  /** Also scale the steps of variables without weight decay. */
  alwaysAdapt: boolean({ default: false }),
  /** Decay the weights directly, like AdamW. */
  decoupled: boolean({ default: false }),
})
export type LambOptions = OptionsOf<typeof lambOptions>

/** The Euclidean norm, a scalar. */
const norm = (x: tf.Tensor): tf.Scalar => tf.sqrt(tf.sum(tf.square(x)))

/** The optimizer that `lamb` creates. */
export class Lamb extends SlotOptimizer<'m' | 'v'> {
  static readonly className: string = 'Lamb'

  private readonly options: Required<LambOptions>

  constructor(given: LambOptions = {}) {
    const options = lambOptions.parse(given)
    super('lamb', options.learningRate, ['m', 'v'])
    this.options = options
  }

  protected override update(parts: readonly Part<'m' | 'v'>[]): void {
    const { beta1, beta2, epsilon, weightDecay, maxGradientNorm } = this.options
    const { biasCorrection, gradientAveraging, decoupled } = this.options
    if (parts.length === 0) return
    const squares = parts.map(({ gradient }) => tf.sum(tf.square(gradient)))
    const divisor =
      maxGradientNorm === null
        ? undefined
        : tf.maximum(tf.div(tf.sqrt(tf.addN(squares)), maxGradientNorm), 1)
    for (const { variable, gradient, kept, t, decay } of parts) {
      const { m, v } = kept
      const g = divisor ? tf.div(gradient, divisor) : gradient
      m.assign(tf.add(tf.mul(m, beta1), tf.mul(g, gradientAveraging ? 1 - beta1 : 1)))
      v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2)))
      const [first, second] = biasCorrection ? [1 - beta1 ** t, 1 - beta2 ** t] : [1, 1]
      const root = tf.add(tf.div(tf.sqrt(v), Math.sqrt(second)), epsilon)
      const adam = tf.div(tf.div(m, first), root)
      const strength = weightDecay * decay
      const shrunk = decoupled && strength > 0
      const before = shrunk ? tf.mul(variable, 1 - this.learningRate * strength) : variable
      const step = strength > 0 && !decoupled ? tf.add(adam, tf.mul(variable, strength)) : adam
      const scaled = tf.mul(this.scaled(step, before, strength), this.learningRate)
      variable.assign(tf.sub(before, scaled))
    }
  }

  /** The step times |weights| / |step|. */
  private scaled(step: tf.Tensor, weights: tf.Tensor, strength: number): tf.Tensor {
    const { alwaysAdapt, trustClip } = this.options
    if (strength === 0 && !alwaysAdapt) return step
    const [own, size] = [norm(weights), norm(step)]
    const both = tf.logicalAnd(tf.greater(own, 0), tf.greater(size, 0))
    const ratio = tf.where(both, tf.div(own, tf.where(both, size, tf.onesLike(size))), tf.scalar(1))
    return tf.mul(step, trustClip ? tf.minimum(ratio, 1) : ratio)
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...this.options, learningRate: this.learningRate }
  }
}

tf.serialization.registerClass(Lamb)

/**
 * LAMB: Adam with the step of each variable scaled to the norm of its weights. At step t, from 1:
 *
 * g = gradient / max(1, ‖all gradients‖ / maxGradientNorm), m = β₁ m + (1 − β₁) g, v = β₂ v + (1 − β₂) g²
 * s = m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε) + weightDecay · w
 * w = w − learningRate · (‖w‖ / ‖s‖) · s; the ratio is 1 if either norm is 0, and for variables without weight decay
 *
 * @returns a `tf.Optimizer`, for `model.compile`, `minimize` and `applyGradients`
 * @throws RangeError for an option out of its range
 * @example
 * train({ ...options, batchSize: 2048, optimizer: lamb({ learningRate: 0.005, weightDecay: 0.02 }) })
 * @see You et al. 2020, https://arxiv.org/abs/1904.00962; timm's `Lamb`
 */
export function lamb(options: LambOptions = {}): Lamb {
  return new Lamb(options)
}
