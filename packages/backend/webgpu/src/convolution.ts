// The gradient of a convolution by its filter, as a matrix product without im2col.
import * as tf from '@tensorflow/tfjs-core'
import { type Call, extend, input, type Kernel } from './kernel.ts'
import { multiply, type Product } from './product.ts'

type Size4 = [number, number, number, number]

/** rows: places and channels under the filter; columns: output channels; inner: places of the output. */
export function filterGradientProduct(call: Call): Product {
  const [x, dy] = [input(call, 'x'), input(call, 'dy')]
  const { strides, pad, dimRoundingMode, filterShape } = call.attrs
  const info = tf.backend_util.computeConv2DInfo(
    x.shape as Size4,
    filterShape as Size4,
    strides as number,
    1,
    pad as 'same',
    dimRoundingMode as 'floor',
  )
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterWidth } = info
  const numbers = [inHeight, inWidth, inChannels, outHeight, outWidth, filterWidth]
  const places = [info.strideHeight, info.strideWidth, info.padInfo.top, info.padInfo.left]
  return {
    name: `filter gradient ${[...numbers, ...places].join()}`,
    rows: info.filterHeight * filterWidth * inChannels,
    columns: outChannels,
    inner: info.batchSize * outHeight * outWidth,
    shape: info.filterShape,
    inputs: { x, dy },
    contiguous: { left: 'row', right: 'column' },
    functions: `
      fn left(row : i32, inner : i32) -> f32 {
        let tapY = row / ${filterWidth * inChannels};
        let tapX = row / ${inChannels} % ${filterWidth};
        let batch = inner / ${outHeight * outWidth};
        let y = inner / ${outWidth} % ${outHeight} * ${info.strideHeight} + tapY - ${info.padInfo.top};
        let across = inner % ${outWidth} * ${info.strideWidth} + tapX - ${info.padInfo.left};
        if (y < 0 || y >= ${inHeight} || across < 0 || across >= ${inWidth}) { return 0.0; }
        return x[((batch * ${inHeight} + y) * ${inWidth} + across) * ${inChannels} + row % ${inChannels}];
      }
      fn right(inner : i32, column : i32) -> f32 { return dy[inner * ${outChannels} + column]; }`,
  }
}

function filterGradient(original: Kernel): Kernel {
  return (call) => {
    const { dataFormat } = call.attrs
    if (dataFormat === 'NCHW') return original(call)
    return multiply(call, filterGradientProduct(call))
  }
}

export function registerConvolution(): void {
  extend(tf.Conv2DBackpropFilter, filterGradient)
}
