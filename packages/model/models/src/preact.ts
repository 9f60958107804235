import type { LayersModel } from '@tensorflow/tfjs-layers'
import { channelsOf, type Network, network, type Tensor } from './network.ts'
import {
  type PreactResnetOptions,
  preactResnetParameters,
  type ResidualOptions,
  type WideResnetOptions,
  wideResnetParameters,
} from './options.ts'

/**
 * A pre-activated residual network for CIFAR: batch norm and relu come before each convolution, and the shortcut is
 * unchanged. Where a stage widens, the shortcut is a strided 1 × 1 convolution; the first block of each stage activates
 * before branch and shortcut separate.
 *
 * @param options.depth 6n + 2, default 20
 * @param options.width a positive number with 16 · width whole, default 1
 * @param options.zeroInitResidual default false: whether each block's last kernel starts at 0
 * @returns a model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError if an option is out of its range
 * @example
 * const model = preactResnet({ depth: 20, width: 4, seed: 1 })
 * @see He et al., Identity Mappings in Deep Residual Networks, 2016, https://arxiv.org/abs/1603.05027
 */
export function preactResnet(given: PreactResnetOptions = {}): LayersModel {
  const options = preactResnetParameters.parse(given)
  const { depth, width } = options
  return preactivated(`preact-resnet-${depth}`, options, 16 * width, 16 * width, (depth - 2) / 6)
}

/**
 * A wide residual network, WRN-depth-width: pre-activated blocks of two 3 × 3 convolutions, without dropout.
 *
 * @param options.depth 6n + 4, default 28
 * @param options.width a positive number with 16 · width whole, default 10
 * @param options.zeroInitResidual default false: whether each block's last kernel starts at 0
 * @returns a model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError if an option is out of its range
 * @example
 * const model = wideResnet({ depth: 16, width: 4, seed: 1 })
 * @see Zagoruyko and Komodakis, Wide Residual Networks, 2016, https://arxiv.org/abs/1605.07146
 */
export function wideResnet(given: WideResnetOptions = {}): LayersModel {
  const options = wideResnetParameters.parse(given)
  const { depth, width } = options
  return preactivated(`wrn-${depth}-${width}`, options, 16, 16 * width, (depth - 4) / 6)
}

function preactivated(
  name: string,
  options: Required<ResidualOptions>,
  stem: number,
  width: number,
  blocks: number,
): LayersModel {
  const { zeroInitResidual } = options
  const net = network(name, options)
  let x = net.conv(net.input, 'stem/conv', stem)
  for (const [stage, filters] of [width, 2 * width, 4 * width].entries())
    for (let b = 0; b < blocks; b++)
      x = block(net, x, `stage${stage + 1}/block${b + 1}`, {
        filters,
        stride: stage > 0 && b === 0 ? 2 : 1,
        activateFirst: b === 0,
        gain: zeroInitResidual ? 0 : 2,
      })
  x = net.activate(net.norm(x, 'norm'), 'relu')
  return net.model(net.logits(net.global(x, 'average')))
}

interface BlockOptions {
  readonly filters: number
  readonly stride: number
  /** Whether the shortcut too starts after the activation. */
  readonly activateFirst: boolean
  /** Gain of the last kernel. */
  readonly gain: number
}

function block(net: Network, x: Tensor, name: string, options: BlockOptions): Tensor {
  const { filters, stride, activateFirst, gain } = options
  const activated = net.activate(net.norm(x, `${name}/norm1`), `${name}/relu1`)
  let y = net.conv(activated, `${name}/conv1`, filters, { stride })
  y = net.activate(net.norm(y, `${name}/norm2`), `${name}/relu2`)
  y = net.conv(y, `${name}/conv2`, filters, { gain })

  let shortcut = activateFirst ? activated : x
  if (stride > 1 || channelsOf(x) !== filters)
    shortcut = net.conv(shortcut, `${name}/shortcut/conv`, filters, { kernel: 1, stride })
  return net.add(y, shortcut, `${name}/add`)
}
