import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'
import { boolean, defineParameters, number, type OptionsOf } from '@tricks/core/options'
import { type Part, SlotOptimizer } from '@tricks/optimizer'

export const sgdOptions = defineParameters('sgd', {
  /** Learning rate; a schedule sets it at each step. */
  learningRate: number({ min: 0, max: 1e6, scale: 'log', default: 0.001 }),
  /** Decay rate of the velocity. */
  momentum: number({ min: 0, below: 1, default: 0 }),
  /** Use Nesterov momentum. */
  nesterov: boolean({ default: false }),
  /** L2 penalty: `weightDecay` · w is added to the gradient. */
  weightDecay: number({ min: 0, max: 1e6, scale: 'log', default: 0 }),
})
export type SgdOptions = OptionsOf<typeof sgdOptions>

/** The optimizer that `sgd` creates. */
export class Sgd extends SlotOptimizer<'velocity'> {
  static readonly className: string = 'TricksSgd'

  private readonly options: Required<SgdOptions>

  constructor(given: SgdOptions = {}) {
    const options = sgdOptions.parse(given)
    super('sgd', options.learningRate, options.momentum > 0 ? ['velocity'] : [])
    const { momentum, nesterov } = options
    assertArgument(momentum > 0 || !nesterov, 'sgd', { momentum }, 'above 0 with nesterov')
    this.options = options
  }

  protected override update(parts: readonly Part<'velocity'>[]): void {
    const { momentum, nesterov, weightDecay } = this.options
    for (const { variable, gradient, kept, decay } of parts) {
      const strength = weightDecay * decay
      const g = strength > 0 ? tf.add(gradient, tf.mul(variable, strength)) : gradient
      let step = g
      if (momentum > 0) {
        kept.velocity.assign(tf.add(tf.mul(kept.velocity, momentum), g))
        step = nesterov ? tf.add(g, tf.mul(kept.velocity, momentum)) : kept.velocity
      }
      variable.assign(tf.sub(variable, tf.mul(step, this.learningRate)))
    }
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...this.options, learningRate: this.learningRate }
  }
}

tf.serialization.registerClass(Sgd)

/**
 * SGD with momentum and weight decay, by torch's formula, elementwise:
 *
 * g = gradient + weightDecay · w, v = momentum · v + g
 * w = w − learningRate · v, or with `nesterov` w − learningRate · (g + momentum · v)
 *
 * @returns a `tf.Optimizer`, for `model.compile`, `minimize` and `applyGradients`
 * @throws RangeError for an option out of its range; for `nesterov` without momentum
 * @example
 * train({ ...options, optimizer: sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 5e-4 }) })
 * @see Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html; `torch.optim.SGD`
 */
export function sgd(options: SgdOptions = {}): Sgd {
  return new Sgd(options)
}
