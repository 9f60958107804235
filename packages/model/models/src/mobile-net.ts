import type { LayersModel } from '@tensorflow/tfjs-layers'
import { invertedResiduals } from './inverted.ts'
import { network } from './network.ts'
import { type MobileNetV2Options, mobileNetV2Parameters } from './options.ts'

const stages = [
  { blocks: 1, kernel: 3, stride: 1, expansion: 1, channels: 16 },
  { blocks: 2, kernel: 3, stride: 2, expansion: 6, channels: 24 },
  { blocks: 3, kernel: 3, stride: 2, expansion: 6, channels: 32 },
  { blocks: 4, kernel: 3, stride: 2, expansion: 6, channels: 64 },
  { blocks: 3, kernel: 3, stride: 1, expansion: 6, channels: 96 },
  { blocks: 3, kernel: 3, stride: 2, expansion: 6, channels: 160 },
  { blocks: 1, kernel: 3, stride: 1, expansion: 6, channels: 320 },
]

/**
 * MobileNetV2 of width 1, by default as in torchvision.
 *
 * Layers are named as in `efficientNetLite`.
 *
 * @param options.padding 'torch' (default), symmetric, or 'same', TensorFlow's
 * @param options.inputShape default [224, 224, 3]; any size
 * @param options.classes default 1000
 * @param options.dropout in [0, 1), default 0; published with 0.2
 * @returns a model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError if an option is out of its range
 * @example
 * const model = mobileNetV2({ inputShape: [96, 96, 3], classes: 12 })
 * @see Sandler et al., MobileNetV2, 2018, https://arxiv.org/abs/1801.04381
 */
export function mobileNetV2(given: MobileNetV2Options = {}): LayersModel {
  const { padding, ...options } = mobileNetV2Parameters.parse(given)
  const net = network('mobilenet-v2', options)
  return invertedResiduals(net, { stages, padding, epsilon: 1e-5, dropout: options.dropout })
}
