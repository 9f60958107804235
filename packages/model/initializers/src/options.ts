import {
  checked,
  choice,
  defineOptions,
  defineParameters,
  integer,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'

export const xavierOptions = defineOptions('xavier', {
  /** The distribution. */
  method: choice(['xavierUniform', 'xavierNormal', 'kaimingNormal'], { default: 'xavierUniform' }),
  /** Factor of the deviation; Kaiming's √2 is already included. */
  gain: number({ above: 0, max: 1e6, scale: 'log', default: 1 }),
})
export type XavierOptions = OptionsOf<typeof xavierOptions>
export type Method = NonNullable<XavierOptions['method']>

export const initializerOptions = defineParameters('initializers', {
  /** Random seed. @defaultValue drawn when the initializer is created */
  seed: optional(integer({ min: 0, max: 2 ** 32 - 1 })),
  /** Distinguishes layers with equal seed and shape, which would otherwise have the same initial values. */
  name: checked<string, { readonly default: '' }>('text', (value) => typeof value === 'string', {
    default: '',
  }),
  gain: xavierOptions.kinds.gain,
})
export type InitializerOptions = OptionsOf<typeof initializerOptions>
