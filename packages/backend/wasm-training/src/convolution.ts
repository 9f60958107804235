// The gradients of a convolution, as convolutions: tfjs's forward kernel is XNNPACK's and runs at full
// speed, its own gradient of the input is ten times slower, and that of the filter is missing.
import * as tf from '@tensorflow/tfjs-core'
import {
  type Call,
  type Info,
  type Kernel,
  extend,
  floats,
  input,
  makeOutput,
  run,
} from './kernel.ts'

type Shape4D = [number, number, number, number]
export type ConvolutionInfo = tf.backend_util.Conv2DInfo

/** Sizes, strides, dilations and padding of a convolution, from the attributes of any of its kernels. */
export function convolutionInfo(
  call: Call,
  inputShape: readonly number[],
  filterShape: readonly number[],
  depthwise = false,
): ConvolutionInfo {
  const { strides, dilations, pad, dataFormat, dimRoundingMode } = call.attrs
  if (dataFormat !== undefined && dataFormat !== 'NHWC') {
    throw new Error(`wasm-training: expected dataFormat to be NHWC, got ${String(dataFormat)}`)
  }
  return tf.backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    strides as number,
    (dilations as number | undefined) ?? 1,
    pad as 'same',
    dimRoundingMode as 'floor',
    depthwise,
  )
}

/** dFilter[y, x, i, o] = Σ input[n, sy·oy + dy·y − top, …, i] · dOutput[n, oy, ox, o] */
function filterGradient(call: Call): Info {
  const x = input(call, 'x')
  const dy = input(call, 'dy')
  const info = convolutionInfo(call, x.shape, call.attrs['filterShape'] as number[])
  // Batch and channels change places, and so do strides and dilations.
  const images = run(call, 'Transpose', { x }, { perm: [3, 1, 2, 0] })
  const filter = run(call, 'Transpose', { x: dy }, { perm: [1, 2, 0, 3] })
  const { top, bottom, left, right } = info.padInfo
  let result = run(
    call,
    'Conv2D',
    { x: images, filter },
    {
      strides: [info.dilationHeight, info.dilationWidth],
      dilations: [info.strideHeight, info.strideWidth],
      pad: [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ],
      dataFormat: 'NHWC',
    },
  )
  call.backend.disposeData(images.dataId)
  call.backend.disposeData(filter.dataId)
  const size = [info.inChannels, info.filterHeight, info.filterWidth, info.outChannels]
  if (result.shape.some((length, axis) => length !== size[axis])) {
    // Rows and columns that the strides left over.
    const whole = result
    result = run(call, 'Slice', { x: whole }, { begin: [0, 0, 0, 0], size })
    call.backend.disposeData(whole.dataId)
  }
  const output = run(call, 'Transpose', { x: result }, { perm: [1, 2, 0, 3] })
  call.backend.disposeData(result.dataId)
  return output
}

/** The gradient of the input: dOutput, spread by the strides and padded, convolved with the filter turned round. */
function inputGradient(call: Call): Info {
  const dy = input(call, 'dy')
  const filter = input(call, 'filter')
  const info = convolutionInfo(call, call.attrs['inputShape'] as number[], filter.shape)
  const spread = spreadGradient(call, dy, info)
  const turned = turnFilter(call, filter)
  const output = run(
    call,
    'Conv2D',
    { x: spread, filter: turned },
    {
      strides: [1, 1],
      dilations: [info.dilationHeight, info.dilationWidth],
      pad: 'valid',
      dataFormat: 'NHWC',
    },
  )
  call.backend.disposeData(spread.dataId)
  call.backend.disposeData(turned.dataId)
  return output
}

function spreadGradient(call: Call, dy: Info, info: ConvolutionInfo): Info {
  const above = info.effectiveFilterHeight - 1
  const before = info.effectiveFilterWidth - 1
  const height = info.inHeight + above
  const width = info.inWidth + before
  const channels = info.outChannels
  const output = makeOutput(call, [info.batchSize, height, width, channels])
  const to = floats(call, output).fill(0)
  const from = floats(call, dy)
  for (let image = 0; image < info.batchSize; image++) {
    for (let row = 0; row < info.outHeight; row++) {
      const y = row * info.strideHeight + above - info.padInfo.top
      if (y < 0 || y >= height) continue
      for (let column = 0; column < info.outWidth; column++) {
        const x = column * info.strideWidth + before - info.padInfo.left
        if (x < 0 || x >= width) continue
        let source = ((image * info.outHeight + row) * info.outWidth + column) * channels
        let target = ((image * height + y) * width + x) * channels
        for (let channel = 0; channel < channels; channel++) to[target++] = from[source++]!
      }
    }
  }
  return output
}

/** [height, width, in, out] → the same turned by 180°, in and out exchanged. */
function turnFilter(call: Call, filter: Info): Info {
  const [height, width, inChannels, outChannels] = filter.shape as Shape4D
  const output = makeOutput(call, [height, width, outChannels, inChannels])
  const to = floats(call, output)
  const from = floats(call, filter)
  const taps = height * width
  const size = inChannels * outChannels
  for (let tap = 0; tap < taps; tap++) {
    const target = (taps - 1 - tap) * size
    for (let i = 0; i < inChannels; i++) {
      for (let o = 0; o < outChannels; o++) {
        to[target + o * inChannels + i] = from[tap * size + i * outChannels + o]!
      }
    }
  }
  return output
}

/** Padding by numbers: told 'same', XNNPACK takes another one than TensorFlow's where strides are larger than the filter. */
function explicitPadding(original: Kernel): Kernel {
  return (call) => {
    if (call.attrs['pad'] !== 'same' || call.attrs['dataFormat'] !== 'NHWC') return original(call)
    const info = convolutionInfo(call, input(call, 'x').shape, input(call, 'filter').shape)
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
  extend(tf.Conv2D, explicitPadding)
  extend(tf.FusedConv2D, explicitPadding)
  extend(tf.Conv2DBackpropFilter, () => filterGradient)
  extend(tf.Conv2DBackpropInput, () => inputGradient)
}
