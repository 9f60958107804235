import {
  checked,
  choice,
  defineParameters,
  integer,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'

/** What tfjs accepts in the names of variables, which begin with the layer's. */
const named = /^[a-z0-9][\w.\-/]*$/i

export const squeezeExciteOptions = defineParameters('squeeze-excite', {
  /** Hidden channels as a share of the input's, rounded, at least one. */
  reduction: number({ above: 0, max: 16, default: 1 / 16 }),
  /** Of the hidden channels. */
  activation: choice(['relu', 'silu'], { default: 'relu' }),
  /** What the scales go through; 'hardSigmoid' is clip(v + 3, 0, 6) / 6. */
  gate: choice(['sigmoid', 'hardSigmoid'], { default: 'sigmoid' }),
  /** For the initial weights. */
  seed: integer({ min: 0, max: 2 ** 32 - 1, default: 0 }),
  /** The layer's name, which its initial weights depend on. @defaultValue one that tfjs makes */
  name: optional(
    checked<string>(
      'text of letters, digits, _, -, . and /, the first of them a letter or digit',
      (value) => typeof value === 'string' && named.test(value),
    ),
  ),
  /** The shape of an input without its batch, for the first layer of a model. */
  inputShape: optional(checked<(number | null)[]>('a list of sizes', Array.isArray)),
})
export type SqueezeExciteOptions = OptionsOf<typeof squeezeExciteOptions>
