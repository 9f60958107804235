// Convolution and pooling where tfjs-node refuses or errs: with padding in numbers, above all, and their gradients.
import * as tf from '@tensorflow/tfjs-core'
import {
  type Attribute,
  type Call,
  type Info,
  type Kernel,
  execute,
  extend,
  input,
  text,
  type,
  whole,
} from './op.ts'

type Shape4D = [number, number, number, number]
type Padding = tf.backend_util.Conv2DInfo['padInfo']
type Pairs = readonly (readonly [number, number])[]

/**
 * What is added before and after, `[batch, height, width, channels]`. Rounding up the output's size asks for more
 * after than the number says.
 */
function pairs(info: tf.backend_util.Conv2DInfo): Pairs {
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

const inNumbers = ({ type: kind }: Padding): boolean => kind === 'NUMBER' || kind === 'EXPLICIT'

interface Convolution {
  readonly strides: [number, number] | number
  readonly dilations?: [number, number] | number
  readonly pad: Parameters<typeof tf.backend_util.computeConv2DInfo>[4]
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil'
  readonly dataFormat?: 'NHWC' | 'NCHW'
}

function convolution(call: Call, x: readonly number[], filter: readonly number[]) {
  const { strides, dilations, pad, dimRoundingMode, dataFormat } =
    call.attrs as unknown as Convolution
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

function attributes(info: tf.backend_util.Conv2DInfo): Record<string, Attribute> {
  const { dilationHeight, dilationWidth } = info
  return {
    ...window(info),
    explicit_paddings: whole(pairs(info).flat()),
    dilations: whole([1, dilationHeight, dilationWidth, 1]),
  }
}

function window(info: tf.backend_util.Conv2DInfo): Record<string, Attribute> {
  return {
    T: type('TF_FLOAT'),
    strides: whole([1, info.strideHeight, info.strideWidth, 1]),
    padding: text('EXPLICIT'),
    data_format: text('NHWC'),
  }
}

/** Takes over where the padding is in numbers and the channels come last. */
function whereInNumbers(
  info: (call: Call) => tf.backend_util.Conv2DInfo,
  kernel: (call: Call, info: tf.backend_util.Conv2DInfo) => Info,
): (original: Kernel) => Kernel {
  return (original) => (call) => {
    const found = info(call)
    const ours = inNumbers(found.padInfo) && found.dataFormat === 'channelsLast'
    return ours ? kernel(call, found) : original(call)
  }
}

const convolveInNumbers = whereInNumbers(
  (call) => convolution(call, input(call, 'x').shape, input(call, 'filter').shape),
  (call, info) =>
    execute(call, 'Conv2D', [input(call, 'x'), input(call, 'filter')], attributes(info))[0]!,
)

/**
 * oneDNN, which TensorFlow convolves with on the CPU, gets images of one channel wrong where one window spans the width
 * and the strides are 1 down and more across (TensorFlow 2.21). The stride across is no matter then, once the width is
 * cut to the window.
 */
function convolve(original: Kernel): Kernel {
  const usual = convolveInNumbers(original)
  return (call) => {
    const [x, filter] = [input(call, 'x'), input(call, 'filter')]
    const info = convolution(call, x.shape, filter.shape)
    const spans = info.outWidth === 1 && info.strideHeight === 1 && info.strideWidth > 1
    if (!spans || info.inChannels > 1 || info.dataFormat === 'channelsFirst') return usual(call)
    return tf.tidy(() => {
      const padded = tf.pad(x, pairs(info) as [number, number][])
      const size = [...padded.shape]
      size[2] = info.effectiveFilterWidth
      const cut = tf.slice(padded, [0, 0, 0, 0], size)
      return execute(call, 'Conv2D', [cut, filter], {
        ...attributes({ ...info, strideWidth: 1 }),
        padding: text('VALID'),
        explicit_paddings: whole([]),
      })[0]!
    })
  }
}

const convolveInputGradient = whereInNumbers(
  (call) => convolution(call, call.attrs['inputShape'] as number[], input(call, 'filter').shape),
  (call, info) =>
    tf.tidy(() => {
      const size = tf.tensor1d(info.inShape, 'int32')
      const inputs = [size, input(call, 'filter'), input(call, 'dy')]
      return execute(call, 'Conv2DBackpropInput', inputs, attributes(info))[0]!
    }),
)

const convolveFilterGradient = whereInNumbers(
  (call) => convolution(call, input(call, 'x').shape, call.attrs['filterShape'] as number[]),
  (call, info) =>
    tf.tidy(() => {
      const size = tf.tensor1d(info.filterShape, 'int32')
      const inputs = [input(call, 'x'), size, input(call, 'dy')]
      return execute(call, 'Conv2DBackpropFilter', inputs, attributes(info))[0]!
    }),
)

function pooling(call: Call): tf.backend_util.Conv2DInfo {
  const { filterSize, strides, pad, dimRoundingMode } = call.attrs as unknown as Convolution & {
    filterSize: [number, number] | number
  }
  const { shape } = call.inputs['x'] ?? input(call, 'input')
  return tf.backend_util.computePool2DInfo(
    shape as Shape4D,
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  )
}

function poolAttributes(info: tf.backend_util.Conv2DInfo): Record<string, Attribute> {
  return {
    ...window(info),
    explicit_paddings: whole(pairs(info).flat()),
    ksize: whole([1, info.filterHeight, info.filterWidth, 1]),
  }
}

const maxPool = whereInNumbers(
  pooling,
  (call, info) => execute(call, 'MaxPool', [input(call, 'x')], poolAttributes(info))[0]!,
)

const maxPoolGradient = whereInNumbers(pooling, (call, info) => {
  const inputs = [input(call, 'input'), input(call, 'output'), input(call, 'dy')]
  return execute(call, 'MaxPoolGrad', inputs, poolAttributes(info))[0]!
})

/** The images padded with zeros, averaged over the whole window, and how many of its pixels were inside. */
function averages(call: Call, info: tf.backend_util.Conv2DInfo, x: tf.Tensor): tf.Tensor {
  const padded = tf.pad(x, pairs(info) as [number, number][])
  return execute(call, 'AvgPool', [padded], {
    ...window(info),
    padding: text('VALID'),
    ksize: whole([1, info.filterHeight, info.filterWidth, 1]),
  })[0]!
}

function share(call: Call, info: tf.backend_util.Conv2DInfo): tf.Tensor {
  return averages(call, info, tf.ones([1, info.inHeight, info.inWidth, 1]))
}

const averagePool = whereInNumbers(pooling, (call, info) =>
  tf.tidy(() => tf.div(averages(call, info, input(call, 'x')), share(call, info))),
)

const averagePoolGradient = whereInNumbers(pooling, (call, info) =>
  tf.tidy(() => {
    const [, [top, bottom], [left, right]] = pairs(info) as [
      unknown,
      [number, number],
      [number, number],
    ]
    const { batchSize, inHeight, inWidth, inChannels } = info
    const padded = [batchSize, top + inHeight + bottom, left + inWidth + right, inChannels]
    const inputs = [tf.tensor1d(padded, 'int32'), tf.div(input(call, 'dy'), share(call, info))]
    const [gradient] = execute(call, 'AvgPoolGrad', inputs, {
      ...window(info),
      padding: text('VALID'),
      ksize: whole([1, info.filterHeight, info.filterWidth, 1]),
    })
    return tf.slice(gradient!, [0, top, left, 0], info.inShape)
  }),
)

export function registerConvolution(): void {
  extend(tf.Conv2D, convolve)
  extend(tf.Conv2DBackpropInput, convolveInputGradient)
  extend(tf.Conv2DBackpropFilter, convolveFilterGradient)
  extend(tf.MaxPool, maxPool)
  extend(tf.MaxPoolGrad, maxPoolGradient)
  extend(tf.AvgPool, averagePool)
  extend(tf.AvgPoolGrad, averagePoolGradient)
}
