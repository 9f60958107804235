import * as layers from '@tensorflow/tfjs-layers'
import { batchNorm, type BatchNormOptions } from '@tricks/batch-norm'
import { blurPool } from '@tricks/blur-pool'
import { assertArgument, createRandom } from '@tricks/core'
import { dropout } from '@tricks/dropout'
import { squeezeExcite } from '@tricks/squeeze-excite'
import { stochasticDepth } from '@tricks/stochastic-depth'
import { standardizedConv2d } from '@tricks/weight-standardization'
import { type Activation, activationLayer } from './activation.ts'
import type { ModelOptions } from './options.ts'

export type Tensor = layers.SymbolicTensor

/**
 * Padding around the image: 'same' as in TensorFlow, which depends on the size; 'torch', half a kernel on each side; or
 * the number of pixels above and left, below and right.
 */
export type Padding = 'same' | 'torch' | readonly [before: number, after: number]

export interface ConvOptions {
  /** Height and width of the kernel, default 3. */
  readonly kernel?: number
  readonly stride?: number
  /** Default 'same'. */
  readonly padding?: Padding | 'valid'
  /** Default false, as most convolutions precede batch norm. */
  readonly bias?: boolean
  /** The kernel's initial variance is gain / fan-in; default 2, for a relu. */
  readonly gain?: number
}

export type NormOptions = Pick<BatchNormOptions, 'gamma' | 'epsilon'>

export interface PoolOptions {
  /** Default 2. */
  readonly size?: number
  /** Default the size. */
  readonly stride?: number
  /** Default 'same' if windows overlap. */
  readonly padding?: Padding
}

/** Building blocks of the models. Each names its layer, so variables are named like `stage1/block1/conv1/kernel`. */
export interface Network {
  readonly input: Tensor
  conv(x: Tensor, name: string, filters: number, options?: ConvOptions): Tensor
  /** A convolution of each channel separately. */
  depthwise(x: Tensor, name: string, options?: Omit<ConvOptions, 'bias'>): Tensor
  norm(x: Tensor, name: string, options?: NormOptions): Tensor
  activate(x: Tensor, name: string, activation?: Activation): Tensor
  /** Inputs must be at least 0, as 'torch' pads with 0. */
  maxPool(x: Tensor, name: string, options?: PoolOptions): Tensor
  dropout(x: Tensor, name: string, rate: number): Tensor
  /** Halves height and width after a blur. */
  blur(x: Tensor, name: string): Tensor
  /** Scales channels; `reduction` is the fraction of hidden channels. */
  squeezeExcite(x: Tensor, name: string, reduction: number): Tensor
  /** Drops x for some images in training, at the end of a branch. */
  stochasticDepth(x: Tensor, name: string, rate: number): Tensor
  /** Appends channels of zeros. */
  padChannels(x: Tensor, name: string, count: number): Tensor
  add(x: Tensor, y: Tensor, name: string): Tensor
  /** [batch, height, width, channels] to [batch, channels]. */
  global(x: Tensor, kind: 'average' | 'max'): Tensor
  /** The dense layer `logits`, optionally scaled. */
  logits(x: Tensor, options?: { bias?: boolean; scale?: number; gain?: number }): Tensor
  model(outputs: Tensor): layers.LayersModel
}

type NetworkOptions = Required<ModelOptions> & { readonly weightStandardization?: boolean }

/** Starts a model with the given name and validated options. */
export function network(modelName: string, options: NetworkOptions): Network {
  const { inputShape, classes, momentum, seed, weights, weightStandardization } = options
  const random = createRandom(seed, modelName)

  /** Normally distributed with mean 0; tfjs treats a seed of 0 as none. */
  const normal = (name: string, variance: number): ReturnType<typeof layers.initializers.zeros> =>
    weights === 'zeros' || variance === 0
      ? layers.initializers.zeros()
      : layers.initializers.randomNormal({
          mean: 0,
          stddev: Math.sqrt(variance),
          seed: random.fork(name).integer(1, 2 ** 32),
        })
  const make = layers.layers
  const applied: layers.layers.Layer[] = []
  const apply = (layer: layers.layers.Layer, x: Tensor | Tensor[]): Tensor => {
    const y = layer.apply(x) as Tensor
    applied.push(layer)
    const something = y.shape.slice(1).every((size) => size! > 0)
    if (!something) for (const each of applied) each.dispose()
    const range = `larger, as ${layer.name} would return an empty image`
    assertArgument(something, modelName, { inputShape }, range)
    return y
  }

  /** Adds zeros around x if tfjs's own padding differs; returns the padding that remains for the layer. */
  const padded = (
    x: Tensor,
    name: string,
    { kernel = 3, stride = 1, padding = 'same' }: ConvOptions,
  ): [Tensor, 'same' | 'valid'] => {
    if (padding === 'same' || padding === 'valid') return [x, padding]
    const wanted = padding === 'torch' ? Array(2).fill(Math.floor(kernel / 2)) : padding
    const sides = x.shape.slice(1, 3) as number[]
    const same = sides.every((size) => String(sameAt(size, kernel, stride)) === String(wanted))
    if (same) return [x, 'same']
    const pad = [...wanted] as [number, number]
    return [apply(make.zeroPadding2d({ name: `${name}/pad`, padding: [pad, pad] }), x), 'valid']
  }

  const input = layers.input({ shape: [...inputShape], name: 'images' })
  return {
    input,
    conv(x, name, filters, given = {}) {
      const { kernel = 3, stride = 1, bias = false, gain = 2 } = given
      const [from, padding] = padded(x, name, given)
      const common = { name, filters, kernelSize: kernel, strides: stride, padding, useBias: bias }
      if (weightStandardization) return apply(standardizedConv2d({ ...common, seed }), from)
      const layer = make.conv2d({
        ...common,
        kernelInitializer: normal(name, gain / (kernel ** 2 * channelsOf(x))),
      })
      return apply(layer, from)
    },
    depthwise(x, name, given = {}) {
      const { kernel = 3, stride = 1, gain = 2 } = given
      const [from, padding] = padded(x, name, given)
      const layer = make.depthwiseConv2d({
        name,
        kernelSize: kernel,
        strides: stride,
        padding,
        useBias: false,
        depthwiseInitializer: normal(name, gain / kernel ** 2),
      })
      return apply(layer, from)
    },
    norm: (x, name, given) => apply(batchNorm({ name, momentum, ...given }), x),
    activate: (x, name, activation = 'relu') => apply(activationLayer(name, activation), x),
    maxPool(x, name, { size = 2, stride = size, padding: kind = 'same' } = {}) {
      const [from, overlapping] = padded(x, name, { kernel: size, stride, padding: kind })
      const padding = size === stride ? 'valid' : overlapping
      return apply(make.maxPooling2d({ name, poolSize: size, strides: stride, padding }), from)
    },
    dropout: (x, name, rate) => apply(dropout({ name, rate }), x),
    blur: (x, name) => apply(blurPool({ name }), x),
    squeezeExcite: (x, name, reduction) => apply(squeezeExcite({ name, reduction, seed }), x),
    stochasticDepth: (x, name, rate) => apply(stochasticDepth({ name, rate }), x),
    padChannels(x, name, count) {
      // tfjs interprets it as [batch, channels, rows, columns], so its columns are our channels.
      const padding: [[number, number], [number, number]] = [
        [0, 0],
        [0, count],
      ]
      return apply(make.zeroPadding2d({ name, padding, dataFormat: 'channelsFirst' }), x)
    },
    add: (x, y, name) => apply(make.add({ name }), [x, y]),
    global(x, kind) {
      const own = { name: 'pool', dataFormat: 'channelsLast' } as const
      const { globalAveragePooling2d, globalMaxPooling2d } = make
      return apply(kind === 'average' ? globalAveragePooling2d(own) : globalMaxPooling2d(own), x)
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

/**
 * TensorFlow's padding along an axis: the least that gives ⌈size / stride⌉ outputs; an odd pixel goes after the image.
 */
export function sameAt(size: number, kernel: number, stride: number): [number, number] {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + kernel - size)
  return [Math.floor(total / 2), Math.ceil(total / 2)]
}
