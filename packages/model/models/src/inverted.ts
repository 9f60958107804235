// Networks of inverted residuals: 1 × 1 convolution to more channels, depthwise convolution, 1 × 1 convolution to few.
import type { LayersModel } from '@tensorflow/tfjs-layers'
import {
  channelsOf,
  type Network,
  type NormOptions,
  type Padding,
  sameAt,
  type Tensor,
} from './network.ts'

/** Consecutive blocks: their number, kernel size, the first one's stride, and the expansion factor. */
export interface Stage {
  readonly blocks: number
  readonly kernel: number
  readonly stride: number
  readonly expansion: number
  readonly channels: number
}

export interface InvertedOptions {
  readonly stages: readonly Stage[]
  /** 'same' or 'torch', or the image size at which it equals TensorFlow's. */
  readonly padding: 'same' | 'torch' | number
  /** Epsilon of batch norm. */
  readonly epsilon: number
  readonly dropout: number
}

/**
 * Builds a network: a stem of 32 channels, blocks numbered from 0 through all stages (`blocks3/depthwise`), a head of
 * 1,280, the mean (`pool`), and `logits`; ReLU6 after each batch norm except those after a projection.
 */
export function invertedResiduals(net: Network, options: InvertedOptions): LayersModel {
  const { stages, padding, epsilon, dropout } = options
  const activated = (x: Tensor, name: string): Tensor =>
    net.activate(net.norm(x, `${name}/norm`, { epsilon }), `${name}/relu`, 'relu6')

  let size = padding
  const pad = (kernel: number, stride: number): { stride: number; padding: Padding } => {
    if (typeof size !== 'number') return { stride, padding: size }
    const sides = sameAt(size, kernel, stride)
    size = Math.ceil(size / stride)
    return { stride, padding: sides }
  }
  let x = activated(net.conv(net.input, 'stem/conv', 32, pad(3, 2)), 'stem')
  let number = 0
  for (const { blocks, stride, ...stage } of stages)
    for (let b = 0; b < blocks; b++) {
      const strided = { ...stage, ...pad(stage.kernel, b === 0 ? stride : 1) }
      x = block(net, x, `blocks${number++}`, strided, activated, { epsilon })
    }
  x = net.global(activated(net.conv(x, 'head/conv', 1280, { kernel: 1 }), 'head'), 'average')
  if (dropout > 0) x = net.dropout(x, 'dropout', dropout)
  return net.model(net.logits(x))
}

function block(
  net: Network,
  x: Tensor,
  name: string,
  options: Omit<Stage, 'blocks'> & { readonly padding: Padding },
  activated: (x: Tensor, name: string) => Tensor,
  norm: NormOptions,
): Tensor {
  const { kernel, stride, expansion, channels, padding } = options
  let y = x
  if (expansion > 1) {
    y = net.conv(y, `${name}/expand`, expansion * channelsOf(x), { kernel: 1 })
    y = activated(y, `${name}/expand`)
  }
  y = net.depthwise(y, `${name}/depthwise`, { kernel, stride, padding })
  y = activated(y, `${name}/depthwise`)
  y = net.conv(y, `${name}/project`, channels, { kernel: 1, gain: 1 })
  y = net.norm(y, `${name}/project/norm`, norm)
  return stride === 1 && channelsOf(x) === channels ? net.add(y, x, `${name}/add`) : y
}
