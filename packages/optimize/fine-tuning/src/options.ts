import {
  boolean,
  checked,
  defineOptions,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'

export const freezeOptions = defineOptions('freeze', {
  /**
   * The first layer to train, by its name or the start of its path, such as `stage3` or `blocks5`. @defaultValue the
   * last layer
   */
  until: optional(
    checked<string>('non-empty text', (value) => typeof value === 'string' && value !== ''),
  ),
  /** Also freeze batch norm (scale, shift and statistics) in the trained layers. */
  batchNorm: boolean({ default: false }),
})
export type FreezeOptions = OptionsOf<typeof freezeOptions>

export const layerDecayOptions = defineOptions('layer-decay', {
  /** Ratio of a layer's learning rate to that of the layer above it. */
  factor: number({ above: 0, max: 1, default: 0.75 }),
  /** Lower bound of the factors. */
  min: number({ min: 0, max: 1, default: 0 }),
})
export type LayerDecayOptions = OptionsOf<typeof layerDecayOptions>
