import * as layers from '@tensorflow/tfjs-layers'
import { batchNorm } from '@tricks/batch-norm'
import { createRandom } from '@tricks/core'
import { dropout } from '@tricks/dropout'
import { geluLayer } from './gelu.ts'
import type { ModelOptions } from './options.ts'

export type Tensor = layers.SymbolicTensor

export interface ConvOptions {
  /** Height and width of the kernel, default 3. */
  readonly kernel?: number
  readonly stride?: number
  /** Default 'same'. */
  readonly padding?: 'same' | 'valid'
  /** Default false, as batch norm follows most. */
  readonly bias?: boolean
  /** The kernel starts with the variance gain / fan-in; default 2, as a relu follows. */
  readonly gain?: number
}

/** The pieces that the models are made of. Each names its layer, so that a variable is `stage1/block1/conv1/kernel`. */
export interface Network {
  readonly input: Tensor
  conv(x: Tensor, name: string, filters: number, options?: ConvOptions): Tensor
  norm(x: Tensor, name: string, gamma?: 0 | 1): Tensor
  activate(x: Tensor, name: string, activation?: 'relu' | 'gelu'): Tensor
  maxPool(x: Tensor, name: string, size?: number, stride?: number): Tensor
  dropout(x: Tensor, name: string, rate: number): Tensor
  /** Appends channels of zeros. */
  padChannels(x: Tensor, name: string, count: number): Tensor
  add(x: Tensor, y: Tensor, name: string): Tensor
  /** [batch, height, width, channels] to [batch, channels]. */
  global(x: Tensor, kind: 'average' | 'max'): Tensor
  /** The dense layer `logits`, and a multiplication of them. */
  logits(x: Tensor, options?: { bias?: boolean; scale?: number; gain?: number }): Tensor
  model(outputs: Tensor): layers.LayersModel
}

/** Begins a model of that name, with options that are checked. */
export function network(modelName: string, options: Required<ModelOptions>): Network {
  const { inputShape, classes, momentum, seed, weights } = options
  const random = createRandom(seed, modelName)

  /** Normally distributed with mean 0; tfjs takes a seed of 0 for none. */
  const normal = (name: string, variance: number): ReturnType<typeof layers.initializers.zeros> =>
    weights === 'zeros' || variance === 0
      ? layers.initializers.zeros()
      : layers.initializers.randomNormal({
          mean: 0,
          stddev: Math.sqrt(variance),
          seed: random.fork(name).integer(1, 2 ** 32),
        })
  const make = layers.layers
  const apply = (layer: layers.layers.Layer, x: Tensor | Tensor[]): Tensor =>
    layer.apply(x) as Tensor

  const input = layers.input({ shape: [...inputShape], name: 'images' })
  return {
    input,
    conv(x, name, filters, { kernel = 3, stride = 1, padding = 'same', bias, gain = 2 } = {}) {
      const layer = make.conv2d({
        name,
        filters,
        kernelSize: kernel,
        strides: stride,
        padding,
        useBias: bias ?? false,
        kernelInitializer: normal(name, gain / (kernel ** 2 * channelsOf(x))),
      })
      return apply(layer, x)
    },
    norm: (x, name, gamma = 1) => apply(batchNorm({ name, momentum, gamma }), x),
    activate: (x, name, activation = 'relu') =>
      apply(activation === 'gelu' ? geluLayer(name) : make.activation({ name, activation }), x),
    maxPool(x, name, size = 2, stride = size) {
      const padding = size === stride ? 'valid' : 'same'
      return apply(make.maxPooling2d({ name, poolSize: size, strides: stride, padding }), x)
    },
    dropout: (x, name, rate) => apply(dropout({ name, rate }), x),
    padChannels(x, name, count) {
      // Of what tfjs takes for [batch, channels, rows, columns], the columns are our channels.
      const padding: [[number, number], [number, number]] = [
        [0, 0],
        [0, count],
      ]
      return apply(make.zeroPadding2d({ name, padding, dataFormat: 'channelsFirst' }), x)
    },
    add: (x, y, name) => apply(make.add({ name }), [x, y]),
    global(x, kind) {
      const name = 'pool'
      if (kind === 'average')
        return apply(make.globalAveragePooling2d({ name, dataFormat: 'channelsLast' }), x)
      const poolSize = x.shape.slice(1, 3) as [number, number]
      const pooled = apply(make.maxPooling2d({ name, poolSize, strides: poolSize }), x)
      return apply(make.flatten({ name: 'flatten' }), pooled)
    },
    logits(x, { bias = true, scale = 1, gain } = {}) {
      const variance = gain ? gain / channelsOf(x) : 2 / (channelsOf(x) + classes)
      const layer = make.dense({
        name: 'logits',
        units: classes,
        useBias: bias,
        kernelInitializer: normal('logits', variance),
      })
      const y = apply(layer, x)
      return scale === 1 ? y : apply(make.rescaling({ name: 'scale', scale }), y)
    },
    model: (outputs) => layers.model({ name: modelName, inputs: input, outputs }),
  }
}

export function channelsOf(x: Tensor): number {
  return x.shape.at(-1)!
}
