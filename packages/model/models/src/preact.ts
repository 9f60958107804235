import type { LayersModel } from '@tensorflow/tfjs-layers'
import { assertArgument } from '@tricks/core'
import { channelsOf, type Network, network, type Tensor } from './network.ts'
import {
  type BlockOptions,
  type PreactResnetOptions,
  preactResnetParameters,
  type ResidualOptions,
  type WideResnetOptions,
  wideResnetParameters,
} from './options.ts'
import { branchEnds } from './resnet.ts'

/**
 * A pre-activated residual network for CIFAR: batch norm and relu come before each convolution, and the shortcut is
 * unchanged. Where a stage widens, the shortcut is a strided 1 × 1 convolution; the first block of each stage activates
 * before branch and shortcut separate.
 *
 * @param options.depth 6n + 2, default 20
 * @param options.width a positive number with 16 · width whole, default 1
 * @param options.zeroInitResidual default false: whether each block's last kernel starts at 0; not with
 *   `weightStandardization`
 * @param options.stochasticDepth in [0, 1), default 0: the rate of the last block
 * @param options.squeezeExcite in [0, 1], default 0: the fraction of hidden channels
 * @param options.blurPool default false
 * @param options.weightStandardization default false
 * @returns a model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError if an option is out of its range
 * @example
 * const model = preactResnet({ depth: 20, width: 4, seed: 1 })
 * @see He et al., Identity Mappings in Deep Residual Networks, 2016, https://arxiv.org/abs/1603.05027
 */
export function preactResnet(given: PreactResnetOptions = {}): LayersModel {
  const options = preactResnetParameters.parse(given)
  const { depth, width } = options
  checkInitialKernels('preactResnet', options)
  return preactivated(`preact-resnet-${depth}`, options, 16 * width, 16 * width, (depth - 2) / 6)
}

/**
 * A wide residual network, WRN-depth-width: pre-activated blocks of two 3 × 3 convolutions, without dropout.
 *
 * @param options.depth 6n + 4, default 28
 * @param options.width a positive number with 16 · width whole, default 10
 * @param options.zeroInitResidual default false: whether each block's last kernel starts at 0; not with
 *   `weightStandardization`
 * @param options.stochasticDepth in [0, 1), default 0: the rate of the last block
 * @param options.squeezeExcite in [0, 1], default 0: the fraction of hidden channels
 * @param options.blurPool default false
 * @param options.weightStandardization default false
 * @returns a model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError if an option is out of its range
 * @example
 * const model = wideResnet({ depth: 16, width: 4, seed: 1 })
 * @see Zagoruyko and Komodakis, Wide Residual Networks, 2016, https://arxiv.org/abs/1605.07146
 */
export function wideResnet(given: WideResnetOptions = {}): LayersModel {
  const options = wideResnetParameters.parse(given)
  const { depth, width } = options
  checkInitialKernels('wideResnet', options)
  return preactivated(`wrn-${depth}-${width}`, options, 16, 16 * width, (depth - 4) / 6)
}

function checkInitialKernels(
  where: string,
  { zeroInitResidual, weightStandardization }: BlockOptions,
): void {
  const valid = !zeroInitResidual || !weightStandardization
  const range = 'false with weightStandardization, as a standardized kernel is never 0'
  assertArgument(valid, where, { zeroInitResidual }, range)
}

function preactivated(
  name: string,
  options: Required<ResidualOptions>,
  stem: number,
  width: number,
  blocks: number,
): LayersModel {
  const net = network(name, options)
  const block = blocksOf(net, 3 * blocks, options)
  let x = net.conv(net.input, 'stem/conv', stem)
  for (const [stage, filters] of [width, 2 * width, 4 * width].entries())
    for (let b = 0; b < blocks; b++)
      x = block(x, `stage${stage + 1}/block${b + 1}`, {
        filters,
        stride: stage > 0 && b === 0 ? 2 : 1,
        activateFirst: b === 0,
      })
  x = net.activate(net.norm(x, 'norm'), 'relu')
  return net.model(net.logits(net.global(x, 'average')))
}

interface Block {
  readonly filters: number
  readonly stride: number
  /** Whether the shortcut too starts after the activation. */
  readonly activateFirst: boolean
}

/** A function that adds the next of `count` blocks, branch(x) + shortcut(x). Blurs where the blocks of `resnet` do. */
function blocksOf(net: Network, count: number, options: BlockOptions) {
  const { zeroInitResidual, blurPool } = options
  const end = branchEnds(net, count, options)
  return (x: Tensor, name: string, { filters, stride, activateFirst }: Block): Tensor => {
    const blurred = blurPool && stride === 2
    const conv = { stride: blurred ? 1 : stride }
    const activated = net.activate(net.norm(x, `${name}/norm1`), `${name}/relu1`)
    let y = net.conv(activated, `${name}/conv1`, filters, conv)
    y = net.activate(net.norm(y, `${name}/norm2`), `${name}/relu2`)
    if (blurred) y = net.blur(y, `${name}/blur`)
    y = net.conv(y, `${name}/conv2`, filters, { gain: zeroInitResidual ? 0 : 2 })
    y = end(y, name)

    let shortcut = activateFirst ? activated : x
    if (blurred) shortcut = net.blur(shortcut, `${name}/shortcut/blur`)
    if (stride > 1 || channelsOf(x) !== filters)
      shortcut = net.conv(shortcut, `${name}/shortcut/conv`, filters, { ...conv, kernel: 1 })
    return net.add(y, shortcut, `${name}/add`)
  }
}
