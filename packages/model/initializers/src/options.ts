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
  /** How values are drawn. */
  method: choice(['xavierUniform', 'xavierNormal', 'kaimingNormal'], { default: 'xavierUniform' }),
  /** What the deviation is multiplied by; Kaiming's √2 is in it already. */
  gain: number({ above: 0, max: 1e6, scale: 'log', default: 1 }),
})
export type XavierOptions = OptionsOf<typeof xavierOptions>
export type Method = NonNullable<XavierOptions['method']>

export const initializerOptions = defineParameters('initializers', {
  /** Of the values. @defaultValue drawn when the initializer is made */
  seed: optional(integer({ min: 0, max: 2 ** 32 - 1 })),
  /** Tells two layers of one seed and shape apart, which would start alike otherwise. */
  name: checked<string, { readonly default: '' }>('text', (value) => typeof value === 'string', {
    default: '',
  }),
  gain: xavierOptions.kinds.gain,
})
export type InitializerOptions = OptionsOf<typeof initializerOptions>
