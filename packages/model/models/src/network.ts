import * as layers from '@tensorflow/tfjs-layers'
import { batchNorm } from '@tricks/batch-norm'
import { assertOption, createRandom } from '@tricks/core'

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

type Tensor = layers.SymbolicTensor

interface ConvOptions {
  readonly kernel?: number
  readonly stride?: number
}

/** The pieces that the models are made of. Each names its layer, so that a variable is `stage1/block1/conv1/kernel`. */
export interface Network {
  readonly input: Tensor
  /** A convolution with 'same' padding and no bias, as batch norm follows each. */
  conv(x: Tensor, name: string, filters: number, options?: ConvOptions): Tensor
  norm(x: Tensor, name: string, gamma?: 0 | 1): Tensor
  relu(x: Tensor, name: string): Tensor
  maxPool(x: Tensor, name: string, size?: number, stride?: number): Tensor
  add(x: Tensor, y: Tensor, name: string): Tensor
  globalAverage(x: Tensor): Tensor
  /** The dense layer `logits`. */
  logits(x: Tensor): Tensor
  model(outputs: Tensor): layers.LayersModel
}

/** Begins a model of that name. */
export function network(modelName: string, options: ModelOptions): Network {
  const { inputShape = [32, 32, 3], classes = 10, momentum = 0.9, seed = 0 } = options
  const { weights = 'random' } = options
  const positive = (value: number): boolean => Number.isInteger(value) && value >= 1
  assertOption(
    Array.isArray(inputShape) && inputShape.length === 3 && inputShape.every(positive),
    modelName,
    { inputShape },
    'height, width and channels, positive integers',
  )
  assertOption(positive(classes), modelName, { classes }, 'a positive integer')
  assertOption(momentum >= 0 && momentum < 1, modelName, { momentum }, 'in [0, 1)')
  assertOption(
    weights === 'random' || weights === 'zeros',
    modelName,
    { weights },
    'random or zeros',
  )
  const random = createRandom(seed)

  /** Normally distributed with mean 0; tfjs takes a seed of 0 for none. */
  const normal = (layer: string, variance: number): ReturnType<typeof layers.initializers.zeros> =>
    weights === 'zeros'
      ? layers.initializers.zeros()
      : layers.initializers.randomNormal({
          mean: 0,
          stddev: Math.sqrt(variance),
          seed: random.fork(layer).integer(1, 2 ** 32),
        })
  const { layers: layer } = layers
  const apply = (each: layers.layers.Layer, x: Tensor | Tensor[]): Tensor => each.apply(x) as Tensor

  const input = layers.input({ shape: [...inputShape], name: 'images' })
  return {
    input,
    conv: (x, name, filters, { kernel = 3, stride = 1 } = {}) =>
      apply(
        layer.conv2d({
          name,
          filters,
          kernelSize: kernel,
          strides: stride,
          padding: 'same',
          useBias: false,
          kernelInitializer: normal(name, 2 / (kernel ** 2 * x.shape.at(-1)!)),
        }),
        x,
      ),
    norm: (x, name, gamma = 1) => apply(batchNorm({ name, momentum, gamma }), x),
    relu: (x, name) => apply(layer.activation({ name, activation: 'relu' }), x),
    maxPool: (x, name, size = 2, stride = size) =>
      apply(
        layer.maxPooling2d({
          name,
          poolSize: size,
          strides: stride,
          padding: size === stride ? 'valid' : 'same',
        }),
        x,
      ),
    add: (x, y, name) => apply(layer.add({ name }), [x, y]),
    globalAverage: (x) =>
      apply(layer.globalAveragePooling2d({ name: 'pool', dataFormat: 'channelsLast' }), x),
    logits: (x) =>
      apply(
        layer.dense({
          name: 'logits',
          units: classes,
          kernelInitializer: normal('logits', 2 / (x.shape.at(-1)! + classes)),
        }),
        x,
      ),
    model: (outputs) => layers.model({ name: modelName, inputs: input, outputs }),
  }
}
