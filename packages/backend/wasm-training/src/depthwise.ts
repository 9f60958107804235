// The gradients of a depthwise convolution, missing from tfjs-backend-wasm.
import * as tf from '@tensorflow/tfjs-core'
import { type ConvolutionInfo, convolutionInfo } from './convolution.ts'
import { type Call, type Info, extend, floats, input, makeOutput } from './kernel.ts'

/** Calls `visit` with the offsets of each pair of an output pixel and an input pixel that a tap joins. */
function eachPair(
  info: ConvolutionInfo,
  visit: (tap: number, inputPixel: number, outputPixel: number) => void,
): void {
  for (let tapY = 0; tapY < info.filterHeight; tapY++) {
    for (let tapX = 0; tapX < info.filterWidth; tapX++) {
      for (let image = 0; image < info.batchSize; image++) {
        for (let row = 0; row < info.outHeight; row++) {
          const y = row * info.strideHeight + tapY * info.dilationHeight - info.padInfo.top
          if (y < 0 || y >= info.inHeight) continue
          for (let column = 0; column < info.outWidth; column++) {
            const x = column * info.strideWidth + tapX * info.dilationWidth - info.padInfo.left
            if (x < 0 || x >= info.inWidth) continue
            visit(
              tapY * info.filterWidth + tapX,
              (image * info.inHeight + y) * info.inWidth + x,
              (image * info.outHeight + row) * info.outWidth + column,
            )
          }
        }
      }
    }
  }
}

function filterGradient(call: Call): Info {
  const x = input(call, 'x')
  const dy = input(call, 'dy')
  const filterShape = call.attrs['filterShape'] as number[]
  const info = convolutionInfo(call, x.shape, filterShape, true)
  const output = makeOutput(call, filterShape)
  const values = floats(call, x)
  const upstream = floats(call, dy)
  const channels = info.inChannels
  const multiplier = info.outChannels / channels
  const sums = new Float64Array(tf.util.sizeFromShape(filterShape))
  eachPair(info, (tap, inputPixel, outputPixel) => {
    let from = outputPixel * info.outChannels
    let to = tap * info.outChannels
    for (let channel = 0; channel < channels; channel++) {
      const value = values[inputPixel * channels + channel]!
      for (let copy = 0; copy < multiplier; copy++) sums[to++]! += value * upstream[from++]!
    }
  })
  floats(call, output).set(sums)
  return output
}

function inputGradient(call: Call): Info {
  const dy = input(call, 'dy')
  const filter = input(call, 'filter')
  const inputShape = call.attrs['inputShape'] as number[]
  const info = convolutionInfo(call, inputShape, filter.shape, true)
  const output = makeOutput(call, inputShape)
  const gradient = floats(call, output).fill(0)
  const upstream = floats(call, dy)
  const weights = floats(call, filter)
  const channels = info.inChannels
  const multiplier = info.outChannels / channels
  eachPair(info, (tap, inputPixel, outputPixel) => {
    let from = outputPixel * info.outChannels
    let weight = tap * info.outChannels
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0
      for (let copy = 0; copy < multiplier; copy++) sum += weights[weight++]! * upstream[from++]!
      gradient[inputPixel * channels + channel]! += sum
    }
  })
  return output
}

export function registerDepthwise(): void {
  extend(tf.DepthwiseConv2dNativeBackpropFilter, () => filterGradient)
  extend(tf.DepthwiseConv2dNativeBackpropInput, () => inputGradient)
}
