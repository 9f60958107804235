import {
  checked,
  choice,
  defineParameters,
  integer,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'

export const dropoutOptions = defineParameters('dropout', {
  /** The share of values that is dropped in training. */
  rate: number({ min: 0, below: 1, default: 0.5 }),
  /** Drop each value by itself (`'element'`), whole channels of an image, or squares of a channel (`'block'`). */
  mode: choice(['element', 'channel', 'block'], { default: 'element' }),
  /** Side of a square in mode `'block'`, at most the image's; the paper's default. */
  blockSize: integer({ min: 1, default: 7 }),
  /** For a step without one, as in `model.fit`. */
  seed: integer({ min: 0, max: 2 ** 32 - 1, default: 0 }),
  /** The layer's name, which its draws depend on. @defaultValue one that tfjs makes */
  name: optional(
    checked<string>('text that is not empty', (value) => typeof value === 'string' && value !== ''),
  ),
  /** The shape of an input without its batch, for the first layer of a model. */
  inputShape: optional(checked<(number | null)[]>('a list of sizes', Array.isArray)),
})
export type DropoutOptions = OptionsOf<typeof dropoutOptions>
