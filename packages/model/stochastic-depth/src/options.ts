import {
  checked,
  choice,
  defineParameters,
  integer,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'

export const stochasticDepthOptions = defineParameters('stochastic-depth', {
  /** The probability that an image's branch is dropped in training. */
  rate: number({ min: 0, max: 1, default: 0.1 }),
  /** Draw for each image, or once for the whole batch. */
  mode: choice(['image', 'batch'], { default: 'image' }),
  /** For a step without one, as in `model.fit`. */
  seed: integer({ min: 0, max: 2 ** 32 - 1, default: 0 }),
  /** The layer's name, which its draws depend on. @defaultValue one that tfjs makes */
  name: optional(
    checked<string>('text that is not empty', (value) => typeof value === 'string' && value !== ''),
  ),
  /** The shape of an input without its batch, for the first layer of a model. */
  inputShape: optional(checked<(number | null)[]>('a list of sizes', Array.isArray)),
})
export type StochasticDepthOptions = OptionsOf<typeof stochasticDepthOptions>
