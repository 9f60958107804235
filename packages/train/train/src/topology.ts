import type { Json } from '@tricks/core'
import type { Model } from './model.ts'

/** As much of the topology that tfjs-layers saves as is needed here. */
interface Config {
  readonly layers?: readonly {
    readonly className: string
    readonly name?: string
    readonly config: Config
    /** By applications and inputs: a layer's name, which of its applications, and which of that one's outputs. */
    readonly inboundNodes?: readonly (readonly Source[])[]
  }[]
  readonly outputLayers?: readonly Source[]
}
type Source = readonly [name: string, application: number, output: number, ...unknown[]]

/**
 * What each layer of a tfjs-layers model is, and what it is applied to. Layers are known by their positions, as tfjs
 * counts names across the process. Initializers are left out: a checkpoint holds the weights.
 *
 * @returns undefined for a model of another kind
 */
export function topologyOf(model: Model): Json[] | undefined {
  const { getConfig } = model as { getConfig?(): unknown }
  if (!model.layers || typeof getConfig !== 'function') return undefined
  return entriesOf(JSON.parse(JSON.stringify(getConfig.call(model))) as Config, '')
}

function entriesOf({ layers = [], outputLayers }: Config, prefix: string): Json[] {
  const names = layers.map(({ name }) => name)
  const sourceOf = ([name, application, output]: Source): Json => [
    names.indexOf(name),
    application,
    output,
  ]
  const entries = layers.flatMap(({ className, config, inboundNodes }, i): Json[] => {
    const layer = `${prefix}${i} ${className}`
    const from = inboundNodes && { from: inboundNodes.map((inputs) => inputs.map(sourceOf)) }
    return config.layers
      ? [{ layer, ...from }, ...entriesOf(config, `${prefix}${i}.`)]
      : [{ layer, ...from, ...(withoutNames(config) as object) }]
  })
  return outputLayers
    ? [...entries, { layer: `${prefix}outputs`, from: outputLayers.map(sourceOf) }]
    : entries
}

/** Without what is null, too, which is most of a layer's options. */
function withoutNames(config: unknown): unknown {
  if (Array.isArray(config)) return config.map(withoutNames)
  if (typeof config !== 'object' || config === null) return config
  return Object.fromEntries(
    Object.entries(config)
      .filter(([key, value]) => value !== null && key !== 'name' && !key.endsWith('Initializer'))
      .map(([key, value]) => [key, withoutNames(value)]),
  )
}
