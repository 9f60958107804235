import * as tf from '@tensorflow/tfjs-core'
import type { Call } from './kernel.ts'

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
    throw new Error(`wasm-training: expected dataFormat to be NHWC, got ${dataFormat as string}`)
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
