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
   * The first layer that is trained, by its name or the beginning of its path, such as `stage3` or `blocks5`.
   * @defaultValue the last layer, so that it alone is trained
   */
  until: optional(
    checked<string>('text that is not empty', (value) => typeof value === 'string' && value !== ''),
  ),
  /** Also freeze batch norm in the layers that are trained: its scale, its shift and its statistics. */
  batchNorm: boolean({ default: false }),
})
export type FreezeOptions = OptionsOf<typeof freezeOptions>

export const layerDecayOptions = defineOptions('layer-decay', {
  /** How much smaller a layer's rate is than that of the layer above it. */
  factor: number({ above: 0, max: 1, default: 0.75 }),
  /** The smallest factor of a rate. */
  min: number({ min: 0, max: 1, default: 0 }),
})
export type LayerDecayOptions = OptionsOf<typeof layerDecayOptions>
