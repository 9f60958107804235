import type { LayersModel } from '@tensorflow/tfjs-layers'
import { invertedResiduals, type Stage } from './inverted.ts'
import { network } from './network.ts'
import {
  type EfficientNetLiteOptions,
  efficientNetLiteParameters,
  type LiteVariant,
  liteVariants,
} from './options.ts'

const stages: readonly Stage[] = [
  { blocks: 1, kernel: 3, stride: 1, expansion: 1, channels: 16 },
  { blocks: 2, kernel: 3, stride: 2, expansion: 6, channels: 24 },
  { blocks: 2, kernel: 5, stride: 2, expansion: 6, channels: 40 },
  { blocks: 3, kernel: 3, stride: 2, expansion: 6, channels: 80 },
  { blocks: 3, kernel: 5, stride: 1, expansion: 6, channels: 112 },
  { blocks: 4, kernel: 5, stride: 2, expansion: 6, channels: 192 },
  { blocks: 1, kernel: 3, stride: 1, expansion: 6, channels: 320 },
]

/**
 * EfficientNet-Lite: EfficientNet without squeeze-and-excite and with ReLU6, designed for phones and fast on CPUs.
 * Batch norm uses epsilon 1e-3, as published.
 *
 * Blocks are numbered from 0 through the whole network: `blocks3/depthwise`, `blocks3/depthwise/norm`. The pooled
 * features, `[batch, 1280]`, are the output of the layer `pool`, as in
 * `pretrainedInputs['efficientnet-lite0'].features`.
 *
 * @param options.variant 0 (default) to 4
 * @param options.inputShape any size; default the variant's training size: 224, 240, 260, 280 or 300 pixels
 * @param options.classes default 1000
 * @param options.padding 'trained' (default) pads at every size as TensorFlow does at the variant's training size, like
 *   the PyTorch code behind the ImageNet weights; 'same' pads as TensorFlow does at the given size. There is no
 *   difference at the training size, nor for variant 0 at multiples of 32
 * @param options.dropout in [0, 1), default 0; published with 0.2, or 0.3 from variant 2 on
 * @param options.momentum default 0.99
 * @returns a model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError if an option is out of its range
 * @example
 * const model = efficientNetLite({ variant: 0, inputShape: [160, 160, 3], classes: 12 })
 * @see Liu, Higher accuracy on vision models with EfficientNet-Lite, 2020; Tan and Le, EfficientNet, 2019,
 * https://arxiv.org/abs/1905.11946
 */
export function efficientNetLite(given: EfficientNetLiteOptions = {}): LayersModel {
  const { variant, inputShape, padding, ...options } = efficientNetLiteParameters.parse(given)
  const { size } = liteVariants[variant]
  const net = network(`efficientnet-lite${variant}`, {
    ...options,
    inputShape: inputShape ?? [size, size, 3],
  })
  return invertedResiduals(net, {
    stages: scaled(variant),
    padding: padding === 'same' ? padding : size,
    epsilon: 1e-3,
    dropout: options.dropout,
  })
}

/** The first and last stages keep their depth, as stem and head keep their width. */
function scaled(variant: LiteVariant): Stage[] {
  const { width, depth } = liteVariants[variant]
  return stages.map((stage, i) => ({
    ...stage,
    blocks: i === 0 || i === stages.length - 1 ? stage.blocks : Math.ceil(depth * stage.blocks),
    channels: multipleOf8(width * stage.channels),
  }))
}

/** The nearest multiple of 8 that is at least 0.9 times the number of channels. */
function multipleOf8(channels: number): number {
  const nearest = Math.max(8, Math.floor((channels + 4) / 8) * 8)
  return nearest < 0.9 * channels ? nearest + 8 : nearest
}
