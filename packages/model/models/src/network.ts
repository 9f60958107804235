import * as layers from '@tensorflow/tfjs-layers'
import { batchNorm } from '@tricks/batch-norm'
import { assertOption, createRandom } from '@tricks/core'
import { dropout } from '@tricks/dropout'
import { geluLayer } from './gelu.ts'

/** What every model takes. */
export interface ModelOptions {
  /** Height, width and channels of the images, default [32, 32, 3]. */
  readonly inputShape?: readonly [height: number, width: number, channels: number]
  /** How many logits, default 10. */
  readonly classes?: number
  /** A whole number in [0, 2^32), default 0. A layer's first weights depend on it and on the layer's name alone. */
  readonly seed?: number
  /** How much of batch norm's moving statistics stays at a step, in [0, 1), default 0.9: torch's momentum of 0.1. */
  readonly momentum?: number
  /** 'zeros' builds quickly where all weights are set next, as by `loadWeights`; default 'random'. */
  readonly weights?: 'random' | 'zeros'
}

/** What every residual net takes. */
export interface ResidualOptions extends ModelOptions {
  /**
   * Whether each residual branch starts at 0, so that each block starts as its shortcut; default false. It is
   * the last gamma that is 0, and in pre-activated nets, where a relu follows it, the last kernel.
   */
  readonly zeroInitResidual?: boolean
}

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

/** Begins a model of that name. */
export function network(modelName: string, options: ModelOptions): Network {
  const { inputShape = [32, 32, 3], classes = 10, momentum = 0.9, seed = 0 } = options
  const { weights = 'random' } = options
  assertOption(
    Array.isArray(inputShape) && inputShape.length === 3 && inputShape.every(isCount),
    modelName,
    { inputShape },
    'height, width and channels, positive integers',
  )
  assertOption(isCount(classes), modelName, { classes }, 'a positive integer')
  assertOption(momentum >= 0 && momentum < 1, modelName, { momentum }, 'in [0, 1)')
  assertOption(
    weights === 'random' || weights === 'zeros',
    modelName,
    { weights },
    'random or zeros',
  )
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

/** Whether it is a positive integer. */
export function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1
}

export function channelsOf(x: Tensor): number {
  return x.shape.at(-1)!
}
