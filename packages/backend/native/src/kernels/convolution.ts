// Convolution and pooling, in float32 or bfloat16, and where tfjs-node refuses or errs: with padding in numbers.
import * as tf from '@tensorflow/tfjs-core'
import { computePrecision } from '../precision.ts'
import { lazily } from '../tensors.ts'
import {
  type Attribute,
  type Call,
  type Kernel,
  execute,
  extend,
  flag,
  input,
  precisionOf,
  run,
  text,
  whole,
} from './op.ts'

type Shape4D = [number, number, number, number]
type Window = tf.backend_util.Conv2DInfo
type Pairs = [number, number][]

/**
 * What is added before and after, `[batch, height, width, channels]`. Rounding up the output's size asks for more
 * after than the number says.
 */
function pairs(info: Window): Pairs {
  const { top, bottom, left, right } = info.padInfo
  const after = (size: number, stride: number, filter: number, from: number, before: number) =>
    (size - 1) * stride + filter - from - before
  const { outHeight, strideHeight, effectiveFilterHeight, inHeight } = info
  const { outWidth, strideWidth, effectiveFilterWidth, inWidth } = info
  const below = after(outHeight, strideHeight, effectiveFilterHeight, inHeight, top)
  const beyond = after(outWidth, strideWidth, effectiveFilterWidth, inWidth, left)
  return [
    [0, 0],
    [top, Math.max(bottom, below)],
    [left, Math.max(right, beyond)],
    [0, 0],
  ]
}

function attributes(info: Window): Record<string, Attribute> {
  const kind = info.padInfo.type
  const explicit = kind === 'NUMBER' || kind === 'EXPLICIT'
  return {
    strides: whole([1, info.strideHeight, info.strideWidth, 1]),
    padding: text(explicit ? 'EXPLICIT' : kind),
    data_format: text('NHWC'),
    ...(explicit ? { explicit_paddings: whole(pairs(info).flat()) } : {}),
  }
}

/** Takes over where the channels come last. */
function channelsLast(
  infoOf: (call: Call) => Window,
  kernel: (call: Call, info: Window) => tf.Tensor,
): (original: Kernel) => Kernel {
  return (original) => (call) => {
    const info = infoOf(call)
    return info.dataFormat === 'channelsLast' ? kernel(call, info) : original(call)
  }
}

interface Options {
  readonly strides: [number, number] | number
  readonly dilations?: [number, number] | number
  readonly pad: Parameters<typeof tf.backend_util.computeConv2DInfo>[4]
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil'
  readonly dataFormat?: 'NHWC' | 'NCHW'
  readonly filterSize?: [number, number] | number
}

function convolution(call: Call, x: readonly number[], filter: readonly number[]): Window {
  const { strides, dilations, pad, dimRoundingMode, dataFormat } = call.attrs as unknown as Options
  return tf.backend_util.computeConv2DInfo(
    x as Shape4D,
    filter as Shape4D,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    false,
    tf.backend_util.convertConv2DDataFormat(dataFormat ?? 'NHWC'),
  )
}

function convolutionAttributes(info: Window): Record<string, Attribute> {
  const { dilationHeight, dilationWidth } = info
  return { ...attributes(info), dilations: whole([1, dilationHeight, dilationWidth, 1]) }
}

const convolutionOf = (call: Call): Window =>
  convolution(call, input(call, 'x').shape, input(call, 'filter').shape)

function convolve(call: Call, info: Window): tf.Tensor {
  const [x, filter] = [input(call, 'x'), input(call, 'filter')]
  if (isMistaken(info)) return convolveOneColumn(call, info)
  const precision = computePrecision()
  return execute(call, 'Conv2D', [x, filter], convolutionAttributes(info), { precision })[0]!
}

/**
 * oneDNN, which TensorFlow convolves with on the CPU, gets images of one channel wrong where one window spans the width
 * and the strides are 1 down and more across (TensorFlow 2.21).
 */
function isMistaken(info: Window): boolean {
  const { inChannels, outWidth, strideHeight, strideWidth } = info
  return inChannels === 1 && outWidth === 1 && strideHeight === 1 && strideWidth > 1
}

/** With the width cut to the window, the stride across is no matter. */
function convolveOneColumn(call: Call, info: Window): tf.Tensor {
  return tf.tidy(() => {
    const padded = tf.pad(input(call, 'x'), pairs(info))
    const size = [...padded.shape]
    size[2] = info.effectiveFilterWidth
    const cut = tf.slice(padded, [0, 0, 0, 0], size)
    const valid = { ...info, strideWidth: 1, padInfo: { ...info.padInfo, type: 'VALID' as const } }
    return execute(call, 'Conv2D', [cut, input(call, 'filter')], convolutionAttributes(valid))[0]!
  })
}

/** Computed if it is asked for: tfjs also makes the gradient by the images, which nobody does. */
function inputGradient(call: Call, info: Window): tf.Tensor {
  const { backend } = call
  const precision = computePrecision()
  const inputs = [input(call, 'filter'), input(call, 'dy')]
  const in16 = precision === 'bfloat16'
  return lazily(backend, info.inShape, inputs, in16, (filter, dy) => {
    const size = tf.tensor1d(info.inShape, 'int32')
    const execution = { precision, typed: [1, 2] }
    const [handle] = run(
      call,
      'Conv2DBackpropInput',
      [size, filter, dy],
      convolutionAttributes(info),
      execution,
    )
    size.dispose()
    return handle!
  })
}

function filterGradient(call: Call, info: Window): tf.Tensor {
  return tf.tidy(() => {
    const size = tf.tensor1d(info.filterShape, 'int32')
    const inputs = [input(call, 'x'), size, input(call, 'dy')]
    const execution = { precision: computePrecision(), typed: [0, 2] }
    return execute(call, 'Conv2DBackpropFilter', inputs, convolutionAttributes(info), execution)[0]!
  })
}

/** A convolution, with a bias and an activation where the call has them. */
function fused(call: Call, info: Window): tf.Tensor {
  const { bias, preluActivationWeights } = call.inputs
  const { activation, leakyreluAlpha } = call.attrs as {
    activation?: string
    leakyreluAlpha?: number
  }
  return tf.tidy(() => {
    const y = convolve(call, info)
    const precision = precisionOf(call, y)
    const biased =
      bias?.rank === 1
        ? execute(call, 'BiasAdd', [y, bias], { data_format: text('NHWC') }, { precision })[0]!
        : bias
          ? tf.add(y, bias)
          : y
    return call.backend.applyActivation(biased, activation, preluActivationWeights, leakyreluAlpha)
  })
}

function pooling(call: Call): Window {
  const { filterSize, strides, pad, dimRoundingMode } = call.attrs as unknown as Options
  const { shape } = call.inputs['x'] ?? input(call, 'input')
  return tf.backend_util.computePool2DInfo(
    shape as Shape4D,
    filterSize!,
    strides,
    1,
    pad,
    dimRoundingMode,
  )
}

function poolAttributes(info: Window): Record<string, Attribute> {
  return { ...attributes(info), ksize: whole([1, info.filterHeight, info.filterWidth, 1]) }
}

function maxPool(call: Call, info: Window): tf.Tensor {
  const x = input(call, 'x')
  const execution = { precision: precisionOf(call, x) }
  return execute(call, 'MaxPool', [x], poolAttributes(info), execution)[0]!
}

function maxPoolGradient(call: Call, info: Window): tf.Tensor {
  const x = input(call, 'input')
  const inputs = [x, input(call, 'output'), input(call, 'dy')]
  const execution = { precision: precisionOf(call, x) }
  return execute(call, 'MaxPoolGrad', inputs, poolAttributes(info), execution)[0]!
}

/** TensorFlow averages without padding alone, or with as little as there can be: else the images are padded before. */
function padsItself({ padInfo }: Window): boolean {
  return padInfo.type === 'VALID' || padInfo.type === 'SAME'
}

/** Attributes for images that are padded before. */
function unpadded(info: Window): Record<string, Attribute> {
  return poolAttributes({ ...info, padInfo: { ...info.padInfo, type: 'VALID' } })
}

/** How much of each window is inside the image. */
function share(call: Call, info: Window): tf.Tensor {
  const inside = tf.pad(tf.ones([1, info.inHeight, info.inWidth, 1]), pairs(info))
  return execute(call, 'AvgPool', [inside], unpadded(info))[0]!
}

function averagePool(call: Call, info: Window): tf.Tensor {
  const x = input(call, 'x')
  const execution = { precision: precisionOf(call, x) }
  if (padsItself(info)) return execute(call, 'AvgPool', [x], poolAttributes(info), execution)[0]!
  return tf.tidy(() => {
    const [sum] = execute(call, 'AvgPool', [tf.pad(x, pairs(info))], unpadded(info))
    return tf.div(sum!, share(call, info))
  })
}

function averagePoolGradient(call: Call, info: Window): tf.Tensor {
  const dy = input(call, 'dy')
  return tf.tidy(() => {
    if (padsItself(info)) {
      const size = tf.tensor1d(info.inShape, 'int32')
      const execution = { precision: precisionOf(call, dy), typed: [1] }
      return execute(call, 'AvgPoolGrad', [size, dy], poolAttributes(info), execution)[0]!
    }
    const [, [top, bottom], [left, right]] = pairs(info) as [unknown, Pairs[0], Pairs[0]]
    const { batchSize, inHeight, inWidth, inChannels } = info
    const padded = [batchSize, top + inHeight + bottom, left + inWidth + right, inChannels]
    const inputs = [tf.tensor1d(padded, 'int32'), tf.div(dy, share(call, info))]
    const [gradient] = execute(call, 'AvgPoolGrad', inputs, unpadded(info))
    return tf.slice(gradient!, [0, top, left, 0], info.inShape)
  })
}

/** The dense layers' product. */
function multiply(call: Call): tf.Tensor {
  const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean }
  const attrs = { adj_x: flag(transposeA), adj_y: flag(transposeB) }
  const inputs = [input(call, 'a'), input(call, 'b')]
  return execute(call, 'BatchMatMulV2', inputs, attrs, { precision: computePrecision() })[0]!
}

export function registerConvolution(): void {
  extend(tf.Conv2D, channelsLast(convolutionOf, convolve))
  extend(tf.FusedConv2D, channelsLast(convolutionOf, fused))
  extend(
    tf.Conv2DBackpropInput,
    channelsLast(
      (call) =>
        convolution(call, call.attrs['inputShape'] as number[], input(call, 'filter').shape),
      inputGradient,
    ),
  )
  extend(
    tf.Conv2DBackpropFilter,
    channelsLast(
      (call) => convolution(call, input(call, 'x').shape, call.attrs['filterShape'] as number[]),
      filterGradient,
    ),
  )
  extend(tf.MaxPool, channelsLast(pooling, maxPool))
  extend(tf.MaxPoolGrad, channelsLast(pooling, maxPoolGradient))
  extend(tf.AvgPool, channelsLast(pooling, averagePool))
  extend(tf.AvgPoolGrad, channelsLast(pooling, averagePoolGradient))
  extend(
    tf.BatchMatMul,
    (original) => (call) =>
      computePrecision() === 'bfloat16' && input(call, 'a').dtype === 'float32'
        ? multiply(call)
        : original(call),
  )
}
