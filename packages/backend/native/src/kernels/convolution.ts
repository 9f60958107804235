// Convolution and matrix products in float32 or bfloat16.
import * as tf from '@tensorflow/tfjs-core'
import { hasMatrixOps, multipliesPairs } from '../load.ts'
import { computePrecision } from '../precision.ts'
import { lazily } from '../tensors.ts'
import { addBias, rectifiers } from './add-bias.ts'
import { numberOf } from './behind-batch-norm.ts'
import {
  type Attribute,
  type Call,
  execute,
  extend,
  flag,
  hasOpsFor,
  input,
  opsTake,
  precisionOf,
  run,
  text,
  whole,
} from './op.ts'
import {
  windowAttributes,
  channelsLast,
  inEveryMode,
  type Kind,
  type Options,
  pairs,
  type Shape4D,
  type Window,
} from './window.ts'

/** The sizes of a convolution. @param output the output's shape, for a gradient */
export function convolution(
  call: Call,
  x: readonly number[],
  filter: readonly number[],
  { output, depthwise = false }: { output?: readonly number[]; depthwise?: boolean } = {},
): Window {
  const options = call.attrs as unknown as Options
  const { strides, dilations, pad, dataFormat } = options
  const format = tf.backend_util.convertConv2DDataFormat(dataFormat ?? 'NHWC')
  const shapes = [x as Shape4D, filter as Shape4D] as const
  return inEveryMode(
    options,
    (mode) =>
      tf.backend_util.computeConv2DInfo(
        ...shapes,
        strides,
        dilations ?? 1,
        pad,
        mode,
        depthwise,
        format,
      ),
    output,
  )
}

function convolutionAttributes(info: Window, kind?: Kind): Record<string, Attribute> {
  const { dilationHeight, dilationWidth } = info
  return {
    ...windowAttributes(info, kind),
    dilations: whole([1, dilationHeight, dilationWidth, 1]),
  }
}

const convolutionOf = (call: Call): Window =>
  convolution(call, input(call, 'x').shape, input(call, 'filter').shape)

function convolve(call: Call, info: Window): tf.Tensor {
  const [x, filter] = [input(call, 'x'), input(call, 'filter')]
  if (isMistaken(info)) return convolveOneColumn(call, info)
  const precision = computePrecision()
  if (byWinograd(x, info)) {
    const { top, left } = info.padInfo
    const attrs = winogradAttributes([info.outHeight, info.outWidth], [top, left], false)
    return execute(call, 'TricksWinograd', [x, filter], attrs, { precision, typed: [0] })[0]!
  }
  if (precision === 'bfloat16' && isMatrix(x, info, 2048)) return convolveAsMatrix(call, info)
  if (isPointwise(x, info))
    return tf.tidy(() => pointwise(call, [x, filter, tf.tensor1d([])], { activation: 'none' }))
  return execute(call, 'Conv2D', [x, filter], convolutionAttributes(info), { precision })[0]!
}

/** A matrix product: our op is faster than oneDNN's and a pass for bias and activation. */
function isPointwise(x: tf.Tensor, info: Window): boolean {
  const { filterHeight, filterWidth, inHeight, inWidth, outHeight, outWidth } = info
  return (
    computePrecision() === 'float32' &&
    filterHeight === 1 &&
    filterWidth === 1 &&
    isDense(info) &&
    // Without padding.
    outHeight === inHeight &&
    outWidth === inWidth &&
    hasOpsFor(x)
  )
}

interface Pointwise {
  readonly activation: (typeof rectifiers)[string]
  /** Whether it is the gradient by the images. */
  readonly transposed?: boolean
}

const pointwiseAttributes = ({ activation, transposed = false }: Pointwise) => ({
  activation: whole(numberOf(activation)),
  transposed: flag(transposed),
})

/** @param inputs images, filter and bias; an empty bias stands for none */
function pointwise(call: Call, inputs: tf.Tensor[], options: Pointwise): tf.Tensor {
  return execute(call, 'TricksPointwise', inputs, pointwiseAttributes(options))[0]!
}

/**
 * Whether a bfloat16 convolution is faster as a product with a matrix of its windows, which has at most `rows` rows.
 * oneDNN is slow with many channels at few positions, especially for the filter gradient.
 */
function isMatrix(x: tf.Tensor, info: Window, rows: number): boolean {
  const { batchSize, outHeight, outWidth, dilationHeight, dilationWidth } = info
  const positions = batchSize * outHeight * outWidth
  const plain = dilationHeight === 1 && dilationWidth === 1
  return positions <= rows && plain && info.inChannels >= 128 && opsTake(x)
}

/**
 * Whether Winograd's algorithm is faster than oneDNN, which computes all products: a tile of 4 × 4 pixels takes as many as
 * 4 pixels do there.
 *
 * @param size height and width of what is divided into tiles: the output, or the images for their gradient
 */
function byWinograd(
  x: tf.Tensor,
  info: Window,
  [height, width]: readonly [number, number] = [info.outHeight, info.outWidth],
): boolean {
  const { filterHeight, filterWidth, inChannels, outChannels } = info
  const tiles = Math.ceil(height / 4) * Math.ceil(width / 4)
  const { top, left } = info.padInfo
  return (
    (computePrecision() === 'float32' || multipliesPairs()) &&
    filterHeight === 3 &&
    filterWidth === 3 &&
    isDense(info) &&
    4 * tiles < height * width &&
    // With more padding, some windows contain no pixel, and their gradient would need negative padding.
    Math.max(top, left) <= 2 &&
    Math.min(inChannels, outChannels) >= 16 &&
    hasOpsFor(x)
  )
}

const winogradAttributes = (
  size: readonly number[],
  padding: readonly number[],
  transposed: boolean,
): Record<string, Attribute> => ({
  size: whole(size),
  padding: whole(padding),
  transposed: flag(transposed),
})

/** Whether there are neither strides nor dilations. */
function isDense({ strideHeight, strideWidth, dilationHeight, dilationWidth }: Window): boolean {
  return [strideHeight, strideWidth, dilationHeight, dilationWidth].every((n) => n === 1)
}

/** One row per output position, with the values of its window. */
function windows(call: Call, x: tf.Tensor, info: Window): tf.Tensor {
  const attrs = {
    window: whole([info.filterHeight, info.filterWidth]),
    strides: whole([info.strideHeight, info.strideWidth]),
    size: whole([info.outHeight, info.outWidth]),
    padding: whole([info.padInfo.top, info.padInfo.left]),
  }
  return execute(call, 'TricksPatches', [x], attrs, { precision: 'bfloat16' })[0]!
}

function convolveAsMatrix(call: Call, info: Window): tf.Tensor {
  return tf.tidy(() => {
    const inputs = [windows(call, input(call, 'x'), info), asRows(input(call, 'filter'))]
    return tf.reshape(multiplyIn16(call, inputs, false), info.outShape)
  })
}

const asRows = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [-1, x.shape.at(-1)!])

function multiplyIn16(call: Call, inputs: tf.Tensor[], transpose: boolean): tf.Tensor {
  const attrs = { transpose_a: flag(transpose), transpose_b: flag(false) }
  return execute(call, 'MatMul', inputs, attrs, { precision: 'bfloat16' })[0]!
}

/**
 * oneDNN, TensorFlow's CPU convolution, is wrong for single-channel images if a window spans the width and the strides
 * are 1 vertically and more horizontally (TensorFlow 2.21).
 */
function isMistaken(info: Window): boolean {
  const { inChannels, outWidth, strideHeight, strideWidth } = info
  return inChannels === 1 && outWidth === 1 && strideHeight === 1 && strideWidth > 1
}

/** With the width cropped to the window, the horizontal stride is irrelevant. */
function convolveOneColumn(call: Call, info: Window): tf.Tensor {
  return tf.tidy(() => {
    const padded = tf.pad(input(call, 'x'), pairs(info))
    const size = [...padded.shape]
    size[2] = info.effectiveFilterWidth
    const cut = tf.slice(padded, [0, 0, 0, 0], size)
    const attrs = convolutionAttributes({ ...info, strideWidth: 1 }, 'VALID')
    return execute(call, 'Conv2D', [cut, input(call, 'filter')], attrs)[0]!
  })
}

/** Computed lazily, as tfjs also requests the gradient by the images, which is never used. */
function inputGradient(call: Call, info: Window): tf.Tensor {
  const precision = computePrecision()
  const winograd = byWinograd(input(call, 'dy'), info, [info.inHeight, info.inWidth])
  return lazily(call.backend, info.inShape, {
    inputs: [input(call, 'filter'), input(call, 'dy')],
    in16: precision === 'bfloat16',
    compute(filter, dy) {
      if (winograd) {
        const { top, left } = info.padInfo
        const attrs = winogradAttributes([info.inHeight, info.inWidth], [2 - top, 2 - left], true)
        return run(call, 'TricksWinograd', [dy, filter], attrs, { precision, typed: [0] })[0]!
      }
      if (isPointwise(dy, info)) {
        const none = tf.tensor1d([])
        const attrs = pointwiseAttributes({ activation: 'none', transposed: true })
        const [dx] = run(call, 'TricksPointwise', [dy, filter, none], attrs)
        none.dispose()
        return dx!
      }
      const size = tf.tensor1d(info.inShape, 'int32')
      const inputs = [size, filter, dy]
      const execution = { precision, typed: [1, 2] }
      const [dx] = run(call, 'Conv2DBackpropInput', inputs, convolutionAttributes(info), execution)
      size.dispose()
      return dx!
    },
  })
}

/** The matrix unit's own kernel: oneDNN takes two to four times as long at most sizes. */
function byMatrixUnit(info: Window): boolean {
  return isDense(info) && hasMatrixOps() && computePrecision() === 'bfloat16'
}

function filterGradient(call: Call, info: Window): tf.Tensor {
  const x = input(call, 'x')
  if (byMatrixUnit(info)) {
    const attrs = {
      window: whole([info.filterHeight, info.filterWidth]),
      padding: whole([info.padInfo.top, info.padInfo.left]),
    }
    const inputs = [x, input(call, 'dy')]
    return execute(call, 'TricksFilterGradient', inputs, attrs, { precision: 'bfloat16' })[0]!
  }
  if (byWinograd(x, info)) {
    const attrs = { padding: whole([info.padInfo.top, info.padInfo.left]) }
    const inputs = [x, input(call, 'dy')]
    const precision = computePrecision()
    return execute(call, 'TricksWinogradFilterGrad', inputs, attrs, { precision })[0]!
  }
  if (computePrecision() === 'bfloat16' && isMatrix(x, info, 8192))
    return tf.tidy(() => {
      const inputs = [windows(call, x, info), asRows(input(call, 'dy'))]
      return tf.reshape(multiplyIn16(call, inputs, true), info.filterShape)
    })
  if (isPointwise(x, info))
    return tf.tidy(() => {
      const inputs = [asRows(x), asRows(input(call, 'dy'))]
      const attrs = { transpose_a: flag(true), transpose_b: flag(false) }
      return tf.reshape(execute(call, 'MatMul', inputs, attrs)[0]!, info.filterShape)
    })
  return tf.tidy(() => {
    const size = tf.tensor1d(info.filterShape, 'int32')
    const inputs = [x, size, input(call, 'dy')]
    const execution = { precision: computePrecision(), typed: [0, 2] }
    return execute(call, 'Conv2DBackpropFilter', inputs, convolutionAttributes(info), execution)[0]!
  })
}

/** A convolution, optionally with bias and activation. */
function fused(call: Call, info: Window): tf.Tensor {
  const { bias, preluActivationWeights } = call.inputs
  const { activation, leakyreluAlpha } = call.attrs as {
    activation?: string
    leakyreluAlpha?: number
  }
  return tf.tidy(() => {
    const [x, filter] = [input(call, 'x'), input(call, 'filter')]
    const rectifier = rectifiers[activation ?? 'linear']
    if (isPointwise(x, info) && rectifier && bias?.rank === 1 && bias.size === info.outChannels)
      return pointwise(call, [x, filter, bias], { activation: rectifier })
    const y = convolve(call, info)
    const precision = precisionOf(call, y)
    const once = bias && precision === 'float32' ? addBias(call, y, bias, activation) : undefined
    if (once) return once
    const biased =
      bias?.rank === 1
        ? execute(call, 'BiasAdd', [y, bias], { data_format: text('NHWC') }, { precision })[0]!
        : bias
          ? tf.add(y, bias)
          : y
    return call.backend.applyActivation(biased, activation, preluActivationWeights, leakyreluAlpha)
  })
}

/** The product in dense layers. */
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
        convolution(call, call.attrs['inputShape'] as number[], input(call, 'filter').shape, {
          output: input(call, 'dy').shape,
        }),
      inputGradient,
    ),
  )
  extend(
    tf.Conv2DBackpropFilter,
    channelsLast(
      (call) =>
        convolution(call, input(call, 'x').shape, call.attrs['filterShape'] as number[], {
          output: input(call, 'dy').shape,
        }),
      filterGradient,
    ),
  )
  extend(
    tf.BatchMatMul,
    (original) => (call) =>
      computePrecision() === 'bfloat16' && input(call, 'a').dtype === 'float32'
        ? multiply(call)
        : original(call),
  )
}
