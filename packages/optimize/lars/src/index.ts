import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'
import { boolean, defineParameters, number, type OptionsOf } from '@tricks/core/options'
import { type Part, SlotOptimizer } from '@tricks/optimizer'

export const larsOptions = defineParameters('lars', {
  /** Learning rate; a schedule sets it at each step. */
  learningRate: number({ min: 0, max: 1e6, scale: 'log', default: 1 }),
  /** Decay rate of the velocity. */
  momentum: number({ min: 0, below: 1, default: 0 }),
  /** From the second step on, gradients enter the velocity times 1 − `dampening`. */
  dampening: number({ min: 0, below: 1, default: 0 }),
  /** Use Nesterov momentum. */
  nesterov: boolean({ default: false }),
  /** L2 penalty: `weightDecay` · w is added to the gradient. */
  weightDecay: number({ min: 0, max: 1e6, scale: 'log', default: 0 }),
  /** Norm of a layer's step relative to the norm of its weights, at a learning rate of 1. */
  trustCoefficient: number({ above: 0, max: 1e6, scale: 'log', default: 0.001 }),
  /** Added to the denominator of the ratio. */
  epsilon: number({ min: 0, max: 1e6, scale: 'log', default: 1e-8 }),
  /** Never make a step larger than SGD's (LARC). */
  trustClip: boolean({ default: false }),
  /** Also scale the steps of variables without weight decay. */
  alwaysAdapt: boolean({ default: false }),
})
export type LarsOptions = OptionsOf<typeof larsOptions>

/** The Euclidean norm, a scalar. */
const norm = (x: tf.Tensor): tf.Scalar => tf.sqrt(tf.sum(tf.square(x)))

/** The optimizer that `lars` creates. */
export class Lars extends SlotOptimizer<'velocity'> {
  static readonly className: string = 'Lars'

  private readonly options: Required<LarsOptions>

  constructor(given: LarsOptions = {}) {
    const options = larsOptions.parse(given)
    super('lars', options.learningRate, options.momentum > 0 ? ['velocity'] : [])
    const { momentum, nesterov } = options
    assertArgument(momentum > 0 || !nesterov, 'lars', { momentum }, 'above 0 with nesterov')
    const undamped = options.dampening === 0 || !nesterov
    assertArgument(undamped, 'lars', { dampening: options.dampening }, '0 with nesterov')
    this.options = options
  }

  protected override update(parts: readonly Part<'velocity'>[]): void {
    const { momentum, dampening, nesterov } = this.options
    for (const part of parts) {
      const { variable, kept, t } = part
      const g = this.scaled(part)
      let step = g
      if (momentum > 0) {
        const added = t === 1 ? g : tf.mul(g, 1 - dampening)
        kept.velocity.assign(tf.add(tf.mul(kept.velocity, momentum), added))
        step = nesterov ? tf.add(g, tf.mul(kept.velocity, momentum)) : kept.velocity
      }
      variable.assign(tf.sub(variable, tf.mul(step, this.learningRate)))
    }
  }

  /** The gradient plus decay, scaled by the layer's ratio. */
  private scaled({ variable, gradient, decay }: Part<'velocity'>): tf.Tensor {
    const { weightDecay, trustCoefficient, epsilon, trustClip, alwaysAdapt } = this.options
    const strength = weightDecay * decay
    if (strength === 0 && !alwaysAdapt) return gradient
    const [weights, size] = [norm(variable), norm(gradient)]
    const both = tf.logicalAnd(tf.greater(weights, 0), tf.greater(size, 0))
    const divisor = tf.add(tf.add(size, tf.mul(weights, strength)), epsilon)
    const share = tf.div(tf.mul(weights, trustCoefficient), tf.where(both, divisor, tf.scalar(1)))
    const ratio = tf.where(both, share, tf.scalar(1))
    const clipped = trustClip ? tf.minimum(tf.div(ratio, this.learningRate), 1) : ratio
    return tf.mul(tf.add(gradient, tf.mul(variable, strength)), clipped)
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...this.options, learningRate: this.learningRate }
  }
}

tf.serialization.registerClass(Lars)

/**
 * LARS: SGD with momentum and a separate learning rate for each variable:
 *
 * ratio = trustCoefficient · ‖w‖ / (‖g‖ + weightDecay · ‖w‖ + ε); 1 if either norm is 0, and without weight decay
 * d = ratio · (g + weightDecay · w), v = momentum · v + (1 − dampening) · d
 * w = w − learningRate · v, or with `nesterov` w − learningRate · (d + momentum · v)
 *
 * @returns a `tf.Optimizer`, for `model.compile`, `minimize` and `applyGradients`
 * @throws RangeError for an option out of its range; for `nesterov` without momentum, or with dampening
 * @example
 * train({ ...options, batchSize: 2048, optimizer: lars({ learningRate: 2, momentum: 0.9, weightDecay: 1e-4 }) })
 * @see You et al. 2017, https://arxiv.org/abs/1708.03888; timm's `Lars`
 */
export function lars(options: LarsOptions = {}): Lars {
  return new Lars(options)
}
