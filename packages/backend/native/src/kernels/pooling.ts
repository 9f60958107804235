// Pooling in float32 or bfloat16.
import * as tf from '@tensorflow/tfjs-core'
import type { Handle } from '../backend.ts'
import { beforePooling, poolBehindRelu } from './behind-batch-norm.ts'
import {
  type Attribute,
  type Call,
  execute,
  extend,
  input,
  opsTake,
  precisionOf,
  run,
  whole,
} from './op.ts'
import {
  windowAttributes,
  channelsLast,
  inEveryMode,
  type Kind,
  kindOf,
  type Options,
  pairs,
  type Pairs,
  type Shape4D,
  type Window,
} from './window.ts'

function pooling(call: Call): Window {
  const options = call.attrs as unknown as Options
  const { filterSize, strides, pad } = options
  const shape = (call.inputs['x'] ?? input(call, 'input')).shape as Shape4D
  return inEveryMode(
    options,
    (mode) => tf.backend_util.computePool2DInfo(shape, filterSize!, strides, 1, pad, mode),
    call.inputs['dy']?.shape,
  )
}

function poolAttributes(info: Window, kind?: Kind): Record<string, Attribute> {
  return {
    ...windowAttributes(info, kind),
    ksize: whole([1, info.filterHeight, info.filterWidth, 1]),
  }
}

/** Non-overlapping windows from the corner on, for which TensorFlow's gradient takes ten times as long. */
function opsPool(x: tf.Tensor, info: Window): boolean {
  const { strideHeight, strideWidth, filterHeight, filterWidth, padInfo } = info
  const apart = strideHeight >= filterHeight && strideWidth >= filterWidth
  return apart && padInfo.top === 0 && padInfo.left === 0 && opsTake(x)
}

/** Windows of 2 × 2 pixels that cover images of an even height and width. */
function halves(x: tf.Tensor, info: Window): boolean {
  const { inHeight, inWidth, strideHeight, strideWidth, filterHeight, filterWidth } = info
  const two = [strideHeight, strideWidth, filterHeight, filterWidth].every((size) => size === 2)
  return two && inHeight % 2 === 0 && inWidth % 2 === 0 && opsPool(x, info)
}

function opsPoolAttributes(info: Window): Record<string, Attribute> {
  return {
    window: whole([info.filterHeight, info.filterWidth]),
    strides: whole([info.strideHeight, info.strideWidth]),
  }
}

function maxPool(call: Call, info: Window): tf.Tensor {
  const x = input(call, 'x')
  const fused = halves(x, info) ? poolBehindRelu(call) : undefined
  if (fused) return fused
  const execution = { precision: precisionOf(call, x) }
  if (opsPool(x, info)) {
    const attrs = { ...opsPoolAttributes(info), size: whole([info.outHeight, info.outWidth]) }
    return execute(call, 'TricksMaxPool', [x], attrs, execution)[0]!
  }
  return execute(call, 'MaxPool', [x], poolAttributes(info), execution)[0]!
}

function maxPoolGradient(call: Call, info: Window): tf.Tensor {
  const inputs = [input(call, 'input'), input(call, 'output'), input(call, 'dy')] as const
  const compute = (...given: tf.Tensor[]): Handle => {
    const [x] = given as [tf.Tensor]
    const execution = { precision: precisionOf(call, x) }
    if (opsPool(x, info))
      return run(call, 'TricksMaxPoolGrad', given, opsPoolAttributes(info), execution)[0]!
    return run(call, 'MaxPoolGrad', given, poolAttributes(info), execution)[0]!
  }
  const fused = halves(inputs[0], info) ? beforePooling(call, inputs, compute) : undefined
  return fused ?? call.backend.createOutputTensor(compute(...inputs))
}

/** Whether TensorFlow pads averages itself, with no or minimal padding; otherwise the images are padded first. */
function padsItself(info: Window): boolean {
  return kindOf(info) !== 'EXPLICIT'
}

/** The fraction of each window inside the image. */
function share(call: Call, info: Window): tf.Tensor {
  const inside = tf.pad(tf.ones([1, info.inHeight, info.inWidth, 1]), pairs(info))
  return execute(call, 'AvgPool', [inside], poolAttributes(info, 'VALID'))[0]!
}

function averagePool(call: Call, info: Window): tf.Tensor {
  const x = input(call, 'x')
  const execution = { precision: precisionOf(call, x) }
  if (padsItself(info)) return execute(call, 'AvgPool', [x], poolAttributes(info), execution)[0]!
  return tf.tidy(() => {
    const [sum] = execute(call, 'AvgPool', [tf.pad(x, pairs(info))], poolAttributes(info, 'VALID'))
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
    const [gradient] = execute(call, 'AvgPoolGrad', inputs, poolAttributes(info, 'VALID'))
    return tf.slice(gradient!, [0, top, left, 0], info.inShape)
  })
}

export function registerPooling(): void {
  extend(tf.MaxPool, channelsLast(pooling, maxPool))
  extend(tf.MaxPoolGrad, channelsLast(pooling, maxPoolGradient))
  extend(tf.AvgPool, channelsLast(pooling, averagePool))
  extend(tf.AvgPoolGrad, channelsLast(pooling, averagePoolGradient))
}
