// The windows of convolution and pooling, including explicit padding, which tfjs-node rejects or gets wrong.
import * as tf from '@tensorflow/tfjs-core'
import { type Attribute, type Call, type Kernel, text, whole } from './op.ts'

export type Shape4D = [number, number, number, number]
export type Window = tf.backend_util.Conv2DInfo
export type Pairs = [number, number][]

/**
 * Padding before and after, for `[batch, height, width, channels]`. Rounding up the output size requires more after
 * than specified.
 */
export function pairs(info: Window): Pairs {
  const { top, bottom, left, right } = info.padInfo
  const after = (size: number, stride: number, filter: number, from: number, before: number) =>
    (size - 1) * stride + filter - from - before
  const { outHeight, strideHeight, effectiveFilterHeight, inHeight } = info
  const { outWidth, strideWidth, effectiveFilterWidth, inWidth } = info
  const below = after(outHeight, strideHeight, effectiveFilterHeight, inHeight, top)
  const beyond = after(outWidth, strideWidth, effectiveFilterWidth, inWidth, left)
  return [
    [0, 0],
    [top, Math.max(bottom, below)],
    [left, Math.max(right, beyond)],
    [0, 0],
  ]
}

export type Kind = 'SAME' | 'VALID' | 'EXPLICIT'

export function windowAttributes(
  info: Window,
  kind: Kind = kindOf(info),
): Record<string, Attribute> {
  return {
    strides: whole([1, info.strideHeight, info.strideWidth, 1]),
    padding: text(kind),
    data_format: text('NHWC'),
    ...(kind === 'EXPLICIT' ? { explicit_paddings: whole(pairs(info).flat()) } : {}),
  }
}

/** tfjs treats a padding of 0 as 'VALID', even if rounding up requires more. */
export function kindOf(info: Window): Kind {
  const { type } = info.padInfo
  if (type === 'SAME') return type
  return pairs(info)
    .flat()
    .some((size) => size > 0)
    ? 'EXPLICIT'
    : 'VALID'
}

/** Handles only channels-last layouts. */
export function channelsLast(
  infoOf: (call: Call) => Window,
  kernel: (call: Call, info: Window) => tf.Tensor,
): (original: Kernel) => Kernel {
  return (original) => (call) => {
    const info = infoOf(call)
    return info.dataFormat === 'channelsLast' ? kernel(call, info) : original(call)
  }
}

export interface Options {
  readonly strides: [number, number] | number
  readonly dilations?: [number, number] | number
  readonly pad: Parameters<typeof tf.backend_util.computeConv2DInfo>[4]
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil'
  readonly dataFormat?: 'NHWC' | 'NCHW'
  readonly filterSize?: [number, number] | number
}

/**
 * tfjs does not pass the rounding mode to gradients: it is the one that gives the output size.
 *
 * @param output the output's shape, for a gradient
 */
export function inEveryMode(
  { dimRoundingMode }: Options,
  infoOf: (mode: Options['dimRoundingMode']) => Window,
  output?: readonly number[],
): Window {
  const info = infoOf(dimRoundingMode)
  if (!output) return info
  const same = (other: Window) => tf.util.arraysEqual(other.outShape, [...output])
  if (same(info)) return info
  return (['round', 'ceil'] as const).map((mode) => infoOf(mode)).find(same) ?? info
}
