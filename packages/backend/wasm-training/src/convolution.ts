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
  extend,
  input,
  makeOutput,
  pointer,
  size,
} from './kernel.ts'
import { packedSize } from './packing.ts'
import { type Images, fitsWinograd, winogradConvolve, winogradFilterGradient } from './winograd.ts'

/** What the forward pass reads and gives. */
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
  const scratch = [
    packedSize(depth, columns),
    padded ? fieldHeight * fieldWidth * info.inChannels : 0,
  ]
  compute(call, scratch, (engine, packed, field) => {
    engine.pack(packed, pointer(call, filter), depth, columns, columns, 1, 0, depth)
    engine.pack_bias(packed, bias ? pointer(call, bias) : 0, columns, depth)
    engine.convolve(
      [pointer(call, output), pointer(call, x), packed, padded ? field : 0],
      [info.batchSize, info.inHeight, info.inWidth, info.inChannels],
      [fieldHeight, fieldWidth, top, left, 1, 1],
      [info.outHeight, info.outWidth, info.outChannels],
      [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth],
      [info.dilationHeight, info.dilationWidth],
      ...bounds(call),
    )
  })
  return activate(call, output)
}

/** The gradient of the input: dOutput, spread by the strides, convolved with the filter turned by 180°. */
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
  const scratch = [packedSize(depth, info.inChannels), fieldHeight * fieldWidth * info.outChannels]
  compute(call, scratch, (engine, packed, field) => {
    packTurned(engine, packed, pointer(call, filter), info)
    engine.pack_bias(packed, 0, info.inChannels, depth)
    engine.convolve(
      [pointer(call, output), pointer(call, dy), packed, field],
      [info.batchSize, info.outHeight, info.outWidth, info.outChannels],
      [fieldHeight, fieldWidth, above - info.padInfo.top, before - info.padInfo.left],
      [info.strideHeight, info.strideWidth],
      [info.inHeight, info.inWidth, info.inChannels],
      [info.filterHeight, info.filterWidth, 1, 1, info.dilationHeight, info.dilationWidth],
      [-Infinity, Infinity],
    )
  })
  return output
}

/** Packs a filter turned by 180°, its input and output channels exchanged, tap by tap. */
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
  const scratch = [
    fieldHeight * fieldWidth * info.inChannels + 8,
    info.outHeight * info.outWidth * info.outChannels + 8,
  ]
  compute(call, scratch, (engine, field, last) => {
    engine.filter_gradient(
      [pointer(call, output), pointer(call, x), pointer(call, dy), field, last],
      [info.batchSize, info.inHeight, info.inWidth, info.inChannels],
      [fieldHeight, fieldWidth, top, left],
      [info.outHeight, info.outWidth, info.outChannels],
      [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth],
      [info.dilationHeight, info.dilationWidth],
    )
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
    ;(call.backend.typedArrayFromHeap(output) as Float32Array).fill(0)
    const [to, from] = [pointer(call, output), pointer(call, other)]
    compute(call, [], (engine) => {
      engine.depthwise_gradients(
        ...(of === 'input' ? [to, 0, 0, from] : [0, to, from, 0]),
        [pointer(call, dy), info.batchSize, info.inHeight, info.inWidth, info.inChannels],
        [info.outChannels / info.inChannels, info.outHeight, info.outWidth],
        [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth],
        [info.dilationHeight, info.dilationWidth, info.padInfo.top, info.padInfo.left],
      )
    })
    return output
  }
}

/**
 * tfjs's own depthwise convolution, which is XNNPACK's, with the padding in numbers: told 'same', XNNPACK pads in
 * another way than TensorFlow where a stride is larger than the filter.
 */
function paddedByNumbers(original: Kernel): Kernel {
  return (call) => {
    if (call.attrs['pad'] !== 'same') return original(call)
    const info = convolutionInfo(call, input(call, 'x').shape, input(call, 'filter').shape, true)
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
  extend(tf.DepthwiseConv2dNative, paddedByNumbers)
  extend(tf.FusedDepthwiseConv2D, paddedByNumbers)
  extend(tf.DepthwiseConv2dNativeBackpropInput, () => depthwiseGradient('input'))
  extend(tf.DepthwiseConv2dNativeBackpropFilter, () => depthwiseGradient('filter'))
}
