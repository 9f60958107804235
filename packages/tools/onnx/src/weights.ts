import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'

export type Layer = layers.layers.Layer

/** A weight's values on the host. */
export interface Weight {
  readonly shape: readonly number[]
  readonly values: Float32Array
}

/** The layers of a model; a model can itself be a layer. */
export const layersOf = (model: layers.LayersModel): Layer[] =>
  model.layers.flatMap((layer) => (layer instanceof layers.LayersModel ? layersOf(layer) : [layer]))

/** A weight's role in its layer, the last part of its name: `depthwise_kernel` of `stem/conv/depthwise_kernel`. */
const roleIn = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

/** Reads the weights of every layer, by role. */
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

/** Number of output channels of a kernel: its last axis, or the last two of a depthwise kernel. */
const channelsOf = (role: string, shape: readonly number[]): number =>
  role === 'depthwise_kernel' ? shape[2]! * shape[3]! : shape.at(-1)!

/** A kernel: float32 values, or int8 values with a scale for each output channel. */
export interface Kernel {
  readonly values: Float32Array | Int8Array
  /** Number of output channels; `values[i]` belongs to channel i modulo this. */
  readonly channels: number
  /** One per channel. */
  readonly scales?: Float32Array
}

/**
 * Quantises a kernel's values w to q · s: s = max |w| / 127 per output channel, q = w / s rounded. A kernel with a
 * single value per channel is not converted, since its scales would be as large.
 */
export function quantize(role: string, { values, shape }: Weight): Kernel {
  const channels = channelsOf(role, shape)
  if (values.length === channels) return { values, channels }
  const largest = new Float32Array(channels)
  values.forEach((value, i) => {
    largest[i % channels] = Math.max(largest[i % channels]!, Math.abs(value))
  })
  // For a channel of zeros, any scale works.
  const scales = largest.map((most) => most / 127 || 1)
  const quantized = Int8Array.from(values, (value, i) => Math.round(value / scales[i % channels]!))
  return { values: quantized, channels, scales }
}

/** The trained kernel, or its int8 version. */
export const kernelOf = (role: string, weight: Weight, type: 'float32' | 'int8'): Kernel =>
  type === 'int8'
    ? quantize(role, weight)
    : { values: weight.values, channels: channelsOf(role, weight.shape) }

/**
 * Sets a model's kernels to the values in an int8 file, to measure the loss of accuracy: the model's predictions are
 * then those of the file. Kernels of convolutions and dense layers are quantised, symmetrically, with a scale for each
 * output channel; biases and norms are not converted. Keep the original weights to undo it.
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
