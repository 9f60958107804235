// Convolutions and their gradients.
import * as tf from '@tensorflow/tfjs-core'
import { activate, bounds } from './activation.ts'
import { type ConvolutionInfo, convolutionInfo } from './convolution-info.ts'
import type { Engine } from './engine/index.ts'
import {
  type Call,
  type Info,
  type Kernel,
  compute,
  type Part,
  extend,
  heap,
  input,
  makeOutput,
  pointer,
  size,
  split,
  splitSum,
  sumParts,
  threadsOf,
  values,
} from './kernel.ts'
import { packedSize } from './packing.ts'
import { type Images, fitsWinograd, winogradConvolve, winogradFilterGradient } from './winograd.ts'

/** The tensors that the forward pass reads and writes. */
function imagesOf(info: ConvolutionInfo): Images {
  return {
    batch: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    top: info.padInfo.top,
    left: info.padInfo.left,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    outChannels: info.outChannels,
  }
}

/** output[n, y, x, o] = bias[o] + Σ input[n, sy·y + dy·v − top, …, i] · filter[v, u, i, o] */
function convolve(call: Call): Info {
  const x = input(call, 'x')
  const filter = input(call, 'filter')
  const info = convolutionInfo(call, x.shape, filter.shape)
  const { bias } = call.inputs
  if (bias && size(bias) !== info.outChannels) {
    throw new Error(
      `wasm-training: expected a bias of ${info.outChannels} values, got ${size(bias)}`,
    )
  }
  const output = makeOutput(call, info.outShape)
  const { top, bottom, left, right } = info.padInfo
  if (fitsWinograd(info)) {
    winogradConvolve(call, imagesOf(info), {
      output: pointer(call, output),
      images: pointer(call, x),
      filter: pointer(call, filter),
      bias: bias ? pointer(call, bias) : 0,
      turned: false,
      spread: [1, 1],
      bounds: bounds(call),
    })
    return activate(call, output)
  }
  const padded = top > 0 || bottom > 0 || left > 0 || right > 0
  const fieldHeight = info.inHeight + top + bottom
  const fieldWidth = info.inWidth + left + right
  const depth = info.filterHeight * info.filterWidth * info.inChannels
  const columns = info.outChannels
  const field = padded ? fieldHeight * fieldWidth * info.inChannels : 0
  const scratch = [packedSize(depth, columns), field * threadsOf(call)]
  compute(call, scratch, (engine, packed, fields) => {
    engine.pack(packed, pointer(call, filter), depth, columns, columns, 1, 0, depth)
    engine.pack_bias(packed, bias ? pointer(call, bias) : 0, columns, depth)
    engine.each(
      'convolve',
      split(engine, info.batchSize, workOf(info)).map(({ begin, count }) => [
        [pointer(call, output) + begin * outBytes(info), pointer(call, x) + begin * inBytes(info)],
        [packed, padded ? { address: fields, bytes: 4 * field } : 0],
        [count, info.inHeight, info.inWidth, info.inChannels],
        [fieldHeight, fieldWidth, top, left, 1, 1],
        [info.outHeight, info.outWidth, info.outChannels],
        [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth],
        [info.dilationHeight, info.dilationWidth],
        bounds(call),
      ]),
    )
  })
  return activate(call, output)
}

/** Number of multiplications in a convolution or one of its gradients. */
function workOf(info: ConvolutionInfo): number {
  const taps = info.filterHeight * info.filterWidth * info.inChannels
  return taps * tf.util.sizeFromShape(info.outShape)
}

/** Bytes of one image. */
function inBytes(info: ConvolutionInfo): number {
  return 4 * info.inHeight * info.inWidth * info.inChannels
}

function outBytes(info: ConvolutionInfo): number {
  return 4 * info.outHeight * info.outWidth * info.outChannels
}

/** The gradient of the input: dOutput, dilated by the strides, convolved with the filter rotated by 180°. */
function inputGradient(call: Call): Info {
  const dy = input(call, 'dy')
  const filter = input(call, 'filter')
  const info = convolutionInfo(call, call.attrs['inputShape'] as number[], filter.shape)
  const output = makeOutput(call, info.inShape)
  const above = info.effectiveFilterHeight - 1
  const before = info.effectiveFilterWidth - 1
  if (fitsWinograd(info, true)) {
    const sizes = {
      batch: info.batchSize,
      height: info.outHeight,
      width: info.outWidth,
      channels: info.outChannels,
      top: above - info.padInfo.top,
      left: before - info.padInfo.left,
      outHeight: info.inHeight,
      outWidth: info.inWidth,
      outChannels: info.inChannels,
    }
    winogradConvolve(call, sizes, {
      output: pointer(call, output),
      images: pointer(call, dy),
      filter: pointer(call, filter),
      bias: 0,
      turned: true,
      spread: [info.strideHeight, info.strideWidth],
      bounds: [-Infinity, Infinity],
    })
    return output
  }
  const fieldHeight = info.inHeight + above
  const fieldWidth = info.inWidth + before
  const depth = info.filterHeight * info.filterWidth * info.outChannels
  const field = fieldHeight * fieldWidth * info.outChannels
  const scratch = [packedSize(depth, info.inChannels), field * threadsOf(call)]
  compute(call, scratch, (engine, packed, fields) => {
    packTurned(engine, packed, pointer(call, filter), info)
    engine.pack_bias(packed, 0, info.inChannels, depth)
    engine.each(
      'convolve',
      split(engine, info.batchSize, workOf(info)).map(({ begin, count }) => [
        [pointer(call, output) + begin * inBytes(info), pointer(call, dy) + begin * outBytes(info)],
        [packed, { address: fields, bytes: 4 * field }],
        [count, info.outHeight, info.outWidth, info.outChannels],
        [fieldHeight, fieldWidth, above - info.padInfo.top, before - info.padInfo.left],
        [info.strideHeight, info.strideWidth],
        [info.inHeight, info.inWidth, info.inChannels],
        [info.filterHeight, info.filterWidth, 1, 1, info.dilationHeight, info.dilationWidth],
        [-Infinity, Infinity],
      ]),
    )
  })
  return output
}

/** Packs a filter rotated by 180° with input and output channels swapped, tap by tap. */
function packTurned(engine: Engine, packed: number, filter: number, info: ConvolutionInfo): void {
  const { inChannels, outChannels } = info
  const taps = info.filterHeight * info.filterWidth
  for (let tap = 0; tap < taps; tap++) {
    const from = filter + 4 * (taps - 1 - tap) * inChannels * outChannels
    const total = taps * outChannels
    engine.pack(packed, from, outChannels, inChannels, 1, outChannels, tap * outChannels, total)
  }
}

/** dFilter[v, u, i, o] = Σ input[n, sy·y + dy·v − top, …, i] · dOutput[n, y, x, o] */
function filterGradient(call: Call): Info {
  const x = input(call, 'x')
  const dy = input(call, 'dy')
  const info = convolutionInfo(call, x.shape, call.attrs['filterShape'] as number[])
  const output = makeOutput(call, call.attrs['filterShape'] as number[])
  if (fitsWinograd(info)) {
    winogradFilterGradient(call, imagesOf(info), {
      gradient: pointer(call, output),
      images: pointer(call, x),
      dy: pointer(call, dy),
    })
    return output
  }
  const { top, bottom, left, right } = info.padInfo
  const fieldHeight = info.inHeight + top + bottom
  const fieldWidth = info.inWidth + left + right
  const filterSize = size(output)
  const parts = splitSum(info.batchSize, workOf(info))
  const field = fieldHeight * fieldWidth * info.inChannels + 8
  const last = info.outHeight * info.outWidth * info.outChannels + 8
  const threads = threadsOf(call)
  const scratch = [field * threads, last * threads, parts.length * filterSize]
  compute(call, scratch, (engine, fields, lasts, gradients) => {
    engine.each(
      'filter_gradient',
      parts.map(({ begin, count }, part) => [
        [gradients + 4 * part * filterSize],
        [pointer(call, x) + begin * inBytes(info), pointer(call, dy) + begin * outBytes(info)],
        [
          { address: fields, bytes: 4 * field },
          { address: lasts, bytes: 4 * last },
        ],
        [count, info.inHeight, info.inWidth, info.inChannels],
        [fieldHeight, fieldWidth, top, left],
        [info.outHeight, info.outWidth, info.outChannels],
        [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth],
        [info.dilationHeight, info.dilationWidth],
      ]),
    )
    sumParts(engine, pointer(call, output), gradients, parts.length, filterSize)
  })
  return output
}

/** The gradients of a depthwise convolution with respect to its input, or to its filter. */
function depthwiseGradient(of: 'input' | 'filter'): (call: Call) => Info {
  return (call) => {
    const dy = input(call, 'dy')
    const other = input(call, of === 'input' ? 'filter' : 'x')
    const inputShape = of === 'input' ? (call.attrs['inputShape'] as number[]) : other.shape
    const filterShape = of === 'input' ? other.shape : (call.attrs['filterShape'] as number[])
    const info = convolutionInfo(call, inputShape, filterShape, true)
    const output = makeOutput(call, of === 'input' ? inputShape : filterShape)
    const taps = info.filterHeight * info.filterWidth * tf.util.sizeFromShape(info.outShape)
    // Gradients for images are separate; that of the filter is summed over images.
    const parts = splitSum(info.batchSize, 8 * taps)
    const bytes = 4 * size(output)
    const rest = [
      [info.outChannels / info.inChannels, info.outHeight, info.outWidth],
      [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth],
      [info.dilationHeight, info.dilationWidth, info.padInfo.top, info.padInfo.left],
    ] as const
    const images = ({ begin, count }: Part) =>
      [
        [pointer(call, dy) + begin * outBytes(info), count],
        [info.inHeight, info.inWidth, info.inChannels],
        ...rest,
      ] as const
    const [to, from] = [pointer(call, output), pointer(call, other)]
    if (of === 'input') {
      values(call, output).fill(0)
      compute(call, [], (engine) => {
        engine.each(
          'depthwise_gradients',
          parts.map((part) => [to + part.begin * inBytes(info), 0, 0, from, ...images(part)]),
        )
      })
      return output
    }
    compute(call, [(parts.length * bytes) / 4], (engine, gradients) => {
      new Uint8Array(heap(call).HEAPU8.buffer, gradients, parts.length * bytes).fill(0)
      engine.each(
        'depthwise_gradients',
        parts.map((part, i) => [
          [0, gradients + i * bytes, from + part.begin * inBytes(info), 0],
          ...images(part),
        ]),
      )
      sumParts(engine, to, gradients, parts.length, size(output))
    })
    return output
  }
}

/**
 * tfjs's own depthwise convolution, XNNPACK's, with explicit padding: with 'same', XNNPACK pads differently from
 * TensorFlow if a stride is larger than the filter. An empty output makes it read out of bounds.
 */
function depthwise(original: Kernel): Kernel {
  return (call) => {
    const info = convolutionInfo(call, input(call, 'x').shape, input(call, 'filter').shape, true)
    if (tf.util.sizeFromShape(info.outShape) === 0) return makeOutput(call, info.outShape)
    if (call.attrs['pad'] !== 'same') return original(call)
    const { top, bottom, left, right } = info.padInfo
    const pad = [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]
    return original({ ...call, attrs: { ...call.attrs, pad } })
  }
}

export function registerConvolution(): void {
  extend(tf.Conv2D, () => convolve)
  extend(tf.FusedConv2D, () => convolve)
  extend(tf.Conv2DBackpropInput, () => inputGradient)
  extend(tf.Conv2DBackpropFilter, () => filterGradient)
  extend(tf.DepthwiseConv2dNative, depthwise)
  extend(tf.FusedDepthwiseConv2D, depthwise)
  extend(tf.DepthwiseConv2dNativeBackpropInput, () => depthwiseGradient('input'))
  extend(tf.DepthwiseConv2dNativeBackpropFilter, () => depthwiseGradient('filter'))
}
