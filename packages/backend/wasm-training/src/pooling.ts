// The gradients of pooling, and pooling with empty results.
import * as tf from '@tensorflow/tfjs-core'
import { checkWindows } from './convolution-info.ts'
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
  split,
  values,
} from './kernel.ts'

function poolInfo(call: Call, x: Info): tf.backend_util.Conv2DInfo {
  const { filterSize, strides, pad, dimRoundingMode } = call.attrs
  const info = tf.backend_util.computePool2DInfo(
    x.shape as [number, number, number, number],
    filterSize as number,
    strides as number,
    1,
    pad as 'same',
    dimRoundingMode as 'floor',
  )
  checkWindows(info)
  return info
}

/** tfjs's own, XNNPACK's, reads out of bounds if the output is empty. */
function pool(original: Kernel): Kernel {
  return (call) => {
    const { outShape } = poolInfo(call, input(call, 'x'))
    return tf.util.sizeFromShape(outShape) === 0 ? makeOutput(call, outShape) : original(call)
  }
}

function poolGradient(average: boolean): (call: Call) => Info {
  return (call) => {
    const x = input(call, 'input')
    const dy = input(call, 'dy')
    const info = poolInfo(call, x)
    const output = makeOutput(call, x.shape)
    const tile =
      info.filterHeight === info.strideHeight &&
      info.filterWidth === info.strideWidth &&
      info.inHeight === info.outHeight * info.strideHeight &&
      info.inWidth === info.outWidth * info.strideWidth
    if (!tile) values(call, output).fill(0)
    compute(call, [], (engine) => {
      const bytes = (each: Info): number => (4 * size(each)) / each.shape[0]!
      engine.each(
        'pool_gradient',
        split(engine, info.batchSize, 24 * size(x)).map(({ begin, count }) => [
          [output, x, dy].map((each) => pointer(call, each) + begin * bytes(each)),
          [count, info.inHeight, info.inWidth, info.inChannels, info.outHeight, info.outWidth],
          [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth],
          [info.dilationHeight, info.dilationWidth, info.padInfo.top, info.padInfo.left],
          [Number(average), Number(tile)],
        ]),
      )
    })
    return output
  }
}

export function registerPooling(): void {
  extend(tf.AvgPool, pool)
  extend(tf.MaxPool, pool)
  extend(tf.MaxPoolGrad, () => poolGradient(false))
  extend(tf.AvgPoolGrad, () => poolGradient(true))
}
