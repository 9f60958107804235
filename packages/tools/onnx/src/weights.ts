import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'

export type Layer = layers.layers.Layer

/** A weight's values on the host. */
export interface Weight {
  readonly shape: readonly number[]
  readonly values: Float32Array
}

/** The layer that a model is made of; a model may be a layer itself. */
export const layersOf = (model: layers.LayersModel): Layer[] =>
  model.layers.flatMap((layer) => (layer instanceof layers.LayersModel ? layersOf(layer) : [layer]))

/** What a weight is in its layer: `depthwise_kernel` of `stem/conv/depthwise_kernel`. */
const roleIn = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

/** Every layer's weights by their roles. */
export async function readWeights(
  model: layers.LayersModel,
): Promise<ReadonlyMap<Layer, Readonly<Record<string, Weight>>>> {
  const found = new Map<Layer, Record<string, Weight>>()
  for (const layer of layersOf(model)) {
    const own: Record<string, Weight> = {}
    for (const { originalName, shape, read } of layer.weights.map(opened))
      own[roleIn(originalName)] = { shape, values: (await read().data()) as Float32Array }
    found.set(layer, own)
  }
  return found
}

const opened = (weight: Layer['weights'][number]) => ({
  originalName: weight.originalName,
  shape: weight.shape as number[],
  read: () => weight.read(),
})

/** The outputs of a kernel, which are the last in its order: one axis, and in a depthwise kernel the last two. */
const channelsOf = (role: string, shape: readonly number[]): number =>
  role === 'depthwise_kernel' ? shape[2]! * shape[3]! : shape.at(-1)!

/** A kernel: values, or int8 that a scale for each of its output channels multiplies. */
export interface Kernel {
  readonly values: Float32Array | Int8Array
  /** Output channels: that of `values[i]` is i modulo this. */
  readonly channels: number
  /** One per channel. */
  readonly scales?: Float32Array
}

/**
 * A kernel's values w as q · s: s = max |w| / 127 of an output channel, q = w / s rounded. A kernel with a single value
 * for each channel is not converted, since its scales would take as much room.
 */
export function quantize(role: string, { values, shape }: Weight): Kernel {
  const channels = channelsOf(role, shape)
  if (values.length === channels) return { values, channels }
  const largest = new Float32Array(channels)
  values.forEach((value, i) => {
    largest[i % channels] = Math.max(largest[i % channels]!, Math.abs(value))
  })
  // Of a channel of zeros any scale will do.
  const scales = largest.map((most) => most / 127 || 1)
  const quantized = Int8Array.from(values, (value, i) => Math.round(value / scales[i % channels]!))
  return { values: quantized, channels, scales }
}

/** The kernel as it is trained, or of int8. */
export const kernelOf = (role: string, weight: Weight, type: 'float32' | 'int8'): Kernel =>
  type === 'int8'
    ? quantize(role, weight)
    : { values: weight.values, channels: channelsOf(role, weight.shape) }

/**
 * Sets a model's kernels to the values that an int8 file has for them, to measure what that costs: for the same images the
 * model then gives what the file gives. Kernels of convolutions and dense layers are quantised, symmetrically, with a scale
 * for each output channel; biases and norms are not converted. Keep the original weights to undo it.
 *
 * @example
 * quantizeWeights(model)
 * const bytes = await toOnnx(model, { mean, deviation }) // predicts as the int8 file does
 */
export function quantizeWeights(model: layers.LayersModel): void {
  for (const layer of layersOf(model))
    for (const weight of layer.weights) {
      const role = roleIn(weight.originalName)
      if (!role.endsWith('kernel')) continue
      const shape = weight.shape as number[]
      const { values, scales, channels } = quantize(role, {
        shape,
        values: weight.read().dataSync() as Float32Array,
      })
      if (!scales) continue
      const dequantized = Float32Array.from(values, (value, i) => value * scales[i % channels]!)
      tf.tidy(() => void weight.write(tf.tensor(dequantized, shape)))
    }
}
