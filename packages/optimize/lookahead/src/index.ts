import * as tf from '@tensorflow/tfjs-core'
import { defineParameters, integer, number, type OptionsOf } from '@tricks/core/options'
import { isOptimizer, OuterOptimizer, type Part } from '@tricks/optimizer'
import { assertArgument } from '@tricks/core'

export const lookaheadOptions = defineParameters('lookahead', {
  /** How far the slow weights move towards the fast ones: 1 is all the way. */
  alpha: number({ min: 0, max: 1, default: 0.5 }),
  /** Steps of the inner optimizer between two synchronisations. */
  every: integer({ min: 1, default: 6 }),
})
export type LookaheadOptions = OptionsOf<typeof lookaheadOptions>

/** The optimizer that `lookahead` creates. */
export class Lookahead extends OuterOptimizer<'slow'> {
  static readonly className: string = 'Lookahead'

  private readonly options: Required<LookaheadOptions>

  /** @param given the options and `inner`, as returned by `getConfig` */
  constructor({ inner, ...given }: LookaheadOptions & { readonly inner: tf.Optimizer }) {
    const options = lookaheadOptions.parse(given)
    assertArgument(isOptimizer(inner), 'lookahead', { optimizer: inner }, 'one such as sgd()')
    super('lookahead', ['slow'], inner)
    this.options = options
  }

  protected override update(parts: readonly Part<'slow'>[]): void {
    this.stepInside(parts)
    const { alpha, every } = this.options
    for (const { variable, kept, t } of parts) {
      if (t % every !== 0) continue
      const { slow } = kept
      // As in timm, the slow weights start at the first synchronisation.
      if (t === every) slow.assign(variable)
      else slow.assign(tf.add(slow, tf.mul(tf.sub(variable, slow), alpha)))
      variable.assign(slow)
    }
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...this.options, inner: this.innerConfig }
  }
}

tf.serialization.registerClass(Lookahead)

/**
 * Lookahead: every `every` steps, slow weights move part of the way to the inner optimizer's weights, and it continues
 * from them: slow = slow + alpha · (fast − slow), fast = slow.
 *
 * Follows timm, where the slow weights start as a copy of the fast ones at the first synchronisation; in the paper they
 * start at the initial weights.
 *
 * @param optimizer the inner one: any `tf.Optimizer`; don't use it elsewhere
 * @returns a `tf.Optimizer`, for `model.compile`, `minimize` and `applyGradients`
 * @throws RangeError for an option out of its range
 * @example
 * train({ ...options, optimizer: lookahead(tf.train.momentum(0.1, 0.9), { alpha: 0.5, every: 6 }) })
 * @see Zhang et al. 2019, https://arxiv.org/abs/1907.08610; timm's `Lookahead`
 */
export function lookahead(optimizer: tf.Optimizer, options: LookaheadOptions = {}): Lookahead {
  return new Lookahead({ ...lookaheadOptions.parse(options), inner: optimizer })
}
