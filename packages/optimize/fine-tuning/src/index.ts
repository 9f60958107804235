import { assertArgument, type Trick } from '@tricks/core'
import { roleOf } from '@tricks/core/model'
import { layerGroups, layerOf } from './groups.ts'
import {
  type FreezeOptions,
  freezeOptions,
  type LayerDecayOptions,
  layerDecayOptions,
} from './options.ts'

export { layerGroups } from './groups.ts'
export {
  type FreezeOptions,
  freezeOptions,
  type LayerDecayOptions,
  layerDecayOptions,
} from './options.ts'

/** Values by variable path. */
interface ByPath<T> {
  readonly byPath: Readonly<Record<string, T>>
}

/**
 * Freezes all layers before `until`, and trains the others. Frozen kernels, biases, and batch norms' scale, shift and
 * statistics don't change; a frozen batch norm normalises by its statistics. No gradient is computed for them.
 *
 * Inside `during` it acts for that part of the run, so several in a row unfreeze a network step by step from the top.
 *
 * @param options.until name of the first layer to train, or the start of its path; default the last layer
 * @param options.batchNorm whether to freeze batch norm in the trained layers too, default false
 * @throws RangeError for an option out of its range, and at the start of a run if the model has no such layer
 * @example
 * composeRun([
 *   during({ until: { fraction: 0.3 } }, freeze({ key: 'the head first' })),
 *   during({ from: { fraction: 0.3 } }, freeze({ until: 'blocks5', batchNorm: true })),
 * ])
 * @see Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, for unfreezing step by step
 */
export function freeze({ key, ...given }: FreezeOptions = {}): Trick<ByPath<true>> {
  const options = freezeOptions.parse(given)
  return {
    name: 'freeze',
    key,
    options,
    start: ({ variables }) => ({ byPath: frozenIn(Object.keys(variables), options) }),
    multipliers: (path, _, { byPath }) => (Object.hasOwn(byPath, path) ? { rate: 0 } : {}),
  }
}

const norms: readonly unknown[] = ['gamma', 'beta', 'mean', 'variance']

function frozenIn(
  paths: readonly string[],
  { until, batchNorm }: ReturnType<typeof freezeOptions.parse>,
): Record<string, true> {
  const [head] = layerGroups(paths).at(-1)!
  const first = until ?? layerOf(head!)
  const from = paths.findIndex((path) => path.startsWith(`${first}/`))
  const layers = [...new Set(paths.map(layerOf))].join(', ')
  assertArgument(
    from >= 0,
    'freeze',
    { until },
    `a layer of the model or the start of its path: ${layers}`,
  )
  const frozen = paths.filter((path, i) => i < from || (batchNorm && norms.includes(roleOf(path))))
  return Object.fromEntries(frozen.map((path) => [path, true]))
}

/**
 * Computes the factor of each layer's learning rate: max(min, factor^(layers − 1 − i)) for the i-th group from the
 * input, 1 for the last.
 *
 * @param groups for each layer, from the input, the names of its variables
 * @param options.factor in (0, 1]
 * @param options.min in [0, 1], default 0
 * @returns the factors by variable name
 * @throws RangeError for an option out of its range
 * @example
 * layerScales([['stem/kernel'], ['block1/kernel'], ['logits/kernel']], { factor: 0.5 })
 * // { 'stem/kernel': 0.25, 'block1/kernel': 0.5, 'logits/kernel': 1 }
 * @see timm's `param_groups_layer_decay`
 */
export function layerScales(
  groups: readonly (readonly string[])[],
  options: { readonly factor: number; readonly min?: number },
): Record<string, number> {
  const { factor, min } = layerDecayOptions.parse(options)
  const scaleOf = (i: number): number => Math.max(min, factor ** (groups.length - 1 - i))
  return Object.fromEntries(groups.flatMap((names, i) => names.map((name) => [name, scaleOf(i)])))
}

/**
 * Reduces the learning rates of lower layers, which need the least change in a pretrained network: `layerScales` of the
 * model's `layerGroups`.
 *
 * @param options.factor in (0, 1], default 0.75: ratio of each layer's rate to that of the layer above
 * @param options.min in [0, 1], default 0
 * @throws RangeError for an option out of its range
 * @example
 * composeRun([layerDecay({ factor: 0.8 })])
 * @see Bao et al. 2021, https://arxiv.org/abs/2106.08254
 */
export function layerDecay({ key, ...given }: LayerDecayOptions = {}): Trick<ByPath<number>> {
  const options = layerDecayOptions.parse(given)
  return {
    name: 'layer-decay',
    key,
    options,
    start: ({ variables }) => ({
      byPath: layerScales(layerGroups(Object.keys(variables)), options),
    }),
    multipliers: (path, _, { byPath }) => ({ rate: byPath[path] ?? 1 }),
  }
}
