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
  const info = tf.backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    strides as number,
    (dilations as number | undefined) ?? 1,
    pad as 'same',
    dimRoundingMode as 'floor',
    depthwise,
  )
  checkWindows(info)
  return info
}

/** tfjs computes negative output sizes where no window fits, and then reads out of bounds. */
export function checkWindows(info: tf.backend_util.Conv2DInfo): void {
  const { top, bottom, left, right } = info.padInfo
  const size = [info.inHeight + top + bottom, info.inWidth + left + right]
  if (info.outHeight < 0 || info.outWidth < 0)
    throw new Error(
      `wasm-training: expected images of at least ${info.effectiveFilterHeight} × ${info.effectiveFilterWidth} pixels, the size of the filter, got ${size.join(' × ')} with padding`,
    )
}
