import { checked, defineParameters, number, optional, type OptionsOf } from '@tricks/core/options'

const named = /^[a-z0-9][\w.\-/]*$/i

export const batchNormOptions = defineParameters('batch-norm', {
  /**
   * How much of a moving statistic stays at each step, as in Keras and tfjs-layers: moving = momentum · moving +
   * (1 − momentum) · batch. **torch's momentum is 1 minus this**: its default of 0.1 is 0.9 here.
   */
  momentum: number({ min: 0, below: 1, default: 0.99 }),
  /** Added to the variance before its square root; torch's default (tfjs-layers: 1e-3). */
  epsilon: number({ above: 0, scale: 'log', default: 1e-5 }),
  /** What gamma starts from. With 0 the last layer of a residual branch starts it as the identity. */
  gamma: checked<0 | 1, { readonly default: 1 }>('0 or 1', (value) => value === 0 || value === 1, {
    default: 1,
  }),
  /** The layer's name. @defaultValue one that tfjs makes */
  name: optional(
    checked<string>(
      'text of letters, digits, _, -, . and /, the first of them a letter or digit',
      (value) => typeof value === 'string' && named.test(value),
    ),
  ),
  /** The shape of an input without its batch, for the first layer of a model. */
  inputShape: optional(checked<(number | null)[]>('a list of sizes', Array.isArray)),
})
export type BatchNormOptions = OptionsOf<typeof batchNormOptions>
