// The gradients of a convolution, as matrix products without im2col.
import * as tf from '@tensorflow/tfjs-core'
import { type Call, extend, type Info, input, type Kernel } from './kernel.ts'
import { multiply, type Product } from './product.ts'

type Size4 = [number, number, number, number]

function convolutionOf(
  { attrs: { strides, pad, dimRoundingMode } }: Call,
  images: unknown,
  filter: unknown,
): tf.backend_util.Conv2DInfo {
  return tf.backend_util.computeConv2DInfo(
    images as Size4,
    filter as Size4,
    strides as number,
    1,
    pad as 'same',
    dimRoundingMode as 'floor',
  )
}

/** rows: filter positions and input channels; columns: output channels; inner: output positions. */
export function filterGradientProduct(call: Call): Product {
  const [x, dy] = [input(call, 'x'), input(call, 'dy')]
  const info = convolutionOf(call, x.shape, call.attrs['filterShape'])
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterWidth } = info
  const numbers = [inHeight, inWidth, inChannels, outHeight, outWidth, filterWidth]
  const offsets = [info.strideHeight, info.strideWidth, info.padInfo.top, info.padInfo.left]
  return {
    name: `filter gradient ${[...numbers, ...offsets].join()}`,
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

/** For every `stride`-th input position along an axis, from `first` on: how it relates to filter and output. */
function phaseOf(
  first: number,
  { length, stride, taps, before }: Record<'length' | 'stride' | 'taps' | 'before', number>,
): { first: number; count: number; tap: number; taps: number; last: number } {
  const tap = (first + before) % stride
  return {
    first,
    count: Math.ceil((length - first) / stride),
    /** The first filter tap that meets these positions; the others follow every `stride`. */
    tap,
    taps: Math.max(0, Math.ceil((taps - tap) / stride)),
    /** The output position that meets input position `first` by that tap. */
    last: Math.floor((first + before) / stride),
  }
}

/**
 * rows: input positions; columns: input channels; inner: filter taps and output channels. With a stride there is one
 * product per class of input positions that meet the same taps: a single product would mostly multiply by 0.
 */
export function inputGradientProducts(call: Call): Product[] {
  const [dy, filter] = [input(call, 'dy'), input(call, 'filter')]
  const info = convolutionOf(call, call.attrs['inputShape'], filter.shape)
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterWidth } = info
  const { strideHeight, strideWidth, filterHeight, padInfo } = info
  const [tall, wide] = [
    { length: inHeight, stride: strideHeight, taps: filterHeight, before: padInfo.top },
    { length: inWidth, stride: strideWidth, taps: filterWidth, before: padInfo.left },
  ]
  const phases = (axis: typeof tall): ReturnType<typeof phaseOf>[] =>
    Array.from({ length: Math.min(axis.stride, axis.length) }, (_, i) => phaseOf(i, axis))
  const numbers = [inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterWidth]
  const offsets = [strideHeight, strideWidth, padInfo.top, padInfo.left]
  const product = (y: ReturnType<typeof phaseOf>, across: ReturnType<typeof phaseOf>): Product => ({
    name: `input gradient ${[...numbers, ...offsets, y.first, across.first].join()}`,
    rows: info.batchSize * y.count * across.count,
    columns: inChannels,
    inner: y.taps * across.taps * outChannels,
    shape: info.inShape,
    inputs: { dy, weights: filter },
    contiguous: { left: 'inner', right: 'inner' },
    functions: `
      fn left(row : i32, inner : i32) -> f32 {
        let tap = inner / ${outChannels};
        let batch = row / ${y.count * across.count};
        let y = row / ${across.count} % ${y.count} + ${y.last} - tap / ${Math.max(1, across.taps)};
        let across = row % ${across.count} + ${across.last} - tap % ${Math.max(1, across.taps)};
        if (y < 0 || y >= ${outHeight} || across < 0 || across >= ${outWidth}) { return 0.0; }
        return dy[((batch * ${outHeight} + y) * ${outWidth} + across) * ${outChannels} + inner % ${outChannels}];
      }
      fn right(inner : i32, column : i32) -> f32 {
        let tap = inner / ${outChannels};
        let tapY = ${y.tap} + tap / ${Math.max(1, across.taps)} * ${strideHeight};
        let tapX = ${across.tap} + tap % ${Math.max(1, across.taps)} * ${strideWidth};
        let place = (tapY * ${filterWidth} + tapX) * ${inChannels} + column;
        return weights[place * ${outChannels} + inner % ${outChannels}];
      }`,
    ...(strideHeight * strideWidth > 1 && {
      place: `((row / ${y.count * across.count} * ${inHeight} + row / ${across.count} % ${y.count} * ${strideHeight}
        + ${y.first}) * ${inWidth} + row % ${across.count} * ${strideWidth} + ${across.first})`,
    }),
  })
  return phases(tall).flatMap((y) => phases(wide).map((across) => product(y, across)))
}

function inputGradient(call: Call): Info {
  const [first, ...others] = inputGradientProducts(call)
  const into = multiply(call, first!)
  for (const other of others) multiply(call, other, { into })
  return into
}

/** tfjs's own where channels come first. */
const byProduct =
  (gradient: Kernel) =>
  (original: Kernel): Kernel =>
  (call) =>
    call.attrs['dataFormat'] === 'NCHW' ? original(call) : gradient(call)

export function registerConvolution(): void {
  extend(
    tf.Conv2DBackpropFilter,
    byProduct((call) => multiply(call, filterGradientProduct(call))),
  )
  extend(tf.Conv2DBackpropInput, byProduct(inputGradient))
}
