import type { Json } from '@tricks/core'
import type { Model } from './model.ts'

/** The parts of the topology that tfjs-layers saves and this module uses. */
interface Config {
  readonly layers?: readonly {
    readonly className: string
    readonly name?: string
    readonly config: Config
    /** By application and input: a layer's name, the index of its application, and the index of that output. */
    readonly inboundNodes?: readonly (readonly Source[])[]
  }[]
  readonly outputLayers?: readonly Source[]
}
type Source = readonly [name: string, application: number, output: number, ...unknown[]]

/**
 * Describes the layers of a tfjs-layers model and their inputs. Layers are identified by position, as tfjs counts names
 * across the process. Initializers are omitted, as a checkpoint contains the weights.
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

/** Also omits null values, which most layer options are. */
function withoutNames(config: unknown): unknown {
  if (Array.isArray(config)) return config.map(withoutNames)
  if (typeof config !== 'object' || config === null) return config
  return Object.fromEntries(
    Object.entries(config)
      .filter(([key, value]) => value !== null && key !== 'name' && !key.endsWith('Initializer'))
      .map(([key, value]) => [key, withoutNames(value)]),
  )
}
