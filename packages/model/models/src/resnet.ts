import type { LayersModel } from '@tensorflow/tfjs-layers'
import { depthRates } from '@tricks/stochastic-depth'
import { channelsOf, type ConvOptions, type Network, network, type Tensor } from './network.ts'
import {
  type BlockOptions,
  type CifarResnetOptions,
  cifarResnetParameters,
  imagenetParameters,
  type ResnetOptions,
  resnetParameters,
  stages,
} from './options.ts'

/**
 * The residual networks of the paper's section on CIFAR-10: three stages of (depth − 2) / 6 blocks with two 3 × 3
 * convolutions each.
 *
 * @param options.depth 6n + 2, default 20
 * @param options.width a positive integer, default 16
 * @param options.shortcut 'pad' (default) or 'projection'
 * @param options.zeroInitResidual default false: whether each block's last gamma starts at 0
 * @param options.stochasticDepth in [0, 1), default 0: the rate of the last block
 * @param options.squeezeExcite in [0, 1], default 0: the fraction of hidden channels
 * @param options.blurPool default false
 * @param options.weightStandardization default false
 * @returns a model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError if an option is out of its range
 * @example
 * const model = cifarResnet({ depth: 56, stochasticDepth: 0.2, seed: 1 })
 * @see He et al., Deep Residual Learning for Image Recognition, 2016, https://arxiv.org/abs/1512.03385
 */
export function cifarResnet(given: CifarResnetOptions = {}): LayersModel {
  const options = cifarResnetParameters.parse(given)
  const { depth, width, shortcut } = options
  const blocks = (depth - 2) / 6
  const net = network(`resnet-${depth}`, options)
  const block = blocksOf(net, 3 * blocks, options)
  let x = stem(net, width)
  for (const [stage, filters] of [width, 2 * width, 4 * width].entries())
    for (let b = 0; b < blocks; b++) {
      const stride = stage > 0 && b === 0 ? 2 : 1
      const branch = [{ filters, stride }, { filters }]
      x = block(x, `stage${stage + 1}/block${b + 1}`, branch, shortcut)
    }
  return net.model(net.logits(net.global(x, 'average')))
}

/**
 * The residual networks for ImageNet, or with the usual stem for CIFAR. In a bottleneck the 3 × 3 convolution has the
 * stride, as in torchvision.
 *
 * @param options.depth 18 (default), 34, 50, 101 or 152
 * @param options.stem 'cifar' (default) or 'imagenet'
 * @param options.padding 'same' (default), TensorFlow's, or 'torch', symmetric: with the ImageNet stem, the results
 *   equal those of torchvision's model with the same weights, at any size
 * @param options.zeroInitResidual default false: whether each block's last gamma starts at 0
 * @param options.stochasticDepth in [0, 1), default 0: the rate of the last block
 * @param options.squeezeExcite in [0, 1], default 0: the fraction of hidden channels
 * @param options.blurPool default false
 * @param options.weightStandardization default false
 * @returns a model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError if an option is out of its range
 * @example
 * const model = resnet({ depth: 50, stem: 'imagenet', padding: 'torch', weights: 'zeros' })
 * @see He et al., Deep Residual Learning for Image Recognition, 2016, https://arxiv.org/abs/1512.03385
 */
export function resnet(given: ResnetOptions = {}): LayersModel {
  const { stem: kind, ...options } = (
    given?.stem === 'imagenet' ? imagenetParameters : resnetParameters
  ).parse(given)
  const { depth, padding, blurPool } = options

  const net = network(`resnet-${depth}`, options)
  const count = stages[depth].reduce<number>((sum, blocks) => sum + blocks, 0)
  const block = blocksOf(net, count, options)
  let x = stem(net, 64, kind === 'imagenet' ? { kernel: 7, stride: 2, padding } : {})
  if (kind === 'imagenet') {
    x = net.maxPool(x, 'stem/pool', { size: 3, stride: blurPool ? 1 : 2, padding })
    if (blurPool) x = net.blur(x, 'stem/blur')
  }
  for (const [stage, blocks] of stages[depth].entries())
    for (let b = 0; b < blocks; b++) {
      const filters = 64 * 2 ** stage
      const stride = stage > 0 && b === 0 ? 2 : 1
      const branch =
        depth < 50
          ? [{ filters, stride, padding }, { filters }]
          : [
              { filters, kernel: 1 },
              { filters, stride, padding },
              { filters: 4 * filters, kernel: 1 },
            ]
      x = block(x, `stage${stage + 1}/block${b + 1}`, branch, 'projection')
    }
  return net.model(net.logits(net.global(x, 'average')))
}

function stem(net: Network, filters: number, options?: ConvOptions): Tensor {
  const x = net.norm(net.conv(net.input, 'stem/conv', filters, options), 'stem/norm')
  return net.activate(x, 'stem/relu')
}

type Branch = readonly (ConvOptions & { readonly filters: number })[]

/**
 * A function that adds the next of `count` blocks, relu(branch(x) + shortcut(x)); each convolution of the branch is
 * followed by batch norm. With `blurPool`, a convolution that would halve the image keeps its size, and its result is
 * blurred and halved after the relu, as is the shortcut before its projection.
 */
function blocksOf(net: Network, count: number, options: BlockOptions) {
  const { zeroInitResidual, blurPool } = options
  const end = branchEnds(net, count, options)
  return (x: Tensor, name: string, branch: Branch, kind: 'pad' | 'projection'): Tensor => {
    let y = x
    branch.forEach(({ filters, ...conv }, i) => {
      const last = i === branch.length - 1
      const blurred = blurPool && conv.stride === 2
      y = net.conv(y, `${name}/conv${i + 1}`, filters, {
        ...conv,
        ...(blurred && { stride: 1 }),
      })
      y = net.norm(y, `${name}/norm${i + 1}`, { gamma: last && zeroInitResidual ? 0 : 1 })
      if (!last) y = net.activate(y, `${name}/relu${i + 1}`)
      if (blurred) y = net.blur(y, `${name}/blur`)
    })
    y = end(y, name)

    let shortcut = x
    let stride = branch.find((conv) => conv.stride === 2)?.stride ?? 1
    if (stride > 1 && blurPool) {
      shortcut = net.blur(shortcut, `${name}/shortcut/blur`)
      stride = 1
    }
    const added = channelsOf(y) - channelsOf(x)
    if (kind === 'pad') {
      if (stride > 1)
        shortcut = net.maxPool(shortcut, `${name}/shortcut/stride`, { size: 1, stride })
      if (added > 0) shortcut = net.padChannels(shortcut, `${name}/shortcut/pad`, added)
    } else if (stride > 1 || added !== 0) {
      const projection = { kernel: 1, stride }
      shortcut = net.conv(shortcut, `${name}/shortcut/conv`, channelsOf(y), projection)
      shortcut = net.norm(shortcut, `${name}/shortcut/norm`)
    }
    return net.activate(net.add(y, shortcut, `${name}/add`), `${name}/relu`)
  }
}

/** A function that ends the branch of the next of `count` blocks, before the shortcut is added. */
export function branchEnds(
  net: Network,
  count: number,
  { stochasticDepth, squeezeExcite }: Pick<BlockOptions, 'stochasticDepth' | 'squeezeExcite'>,
): (y: Tensor, name: string) => Tensor {
  const rates = depthRates({ depth: count, rate: stochasticDepth }).values()
  return (y, name) => {
    const rate = rates.next().value!
    const scaled = squeezeExcite > 0 ? net.squeezeExcite(y, `${name}/squeeze`, squeezeExcite) : y
    return rate > 0 ? net.stochasticDepth(scaled, `${name}/drop`, rate) : scaled
  }
}
