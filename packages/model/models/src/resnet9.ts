import type { LayersModel } from '@tensorflow/tfjs-layers'
import { type Network, network, type Tensor } from './network.ts'
import { type ModelOptions, resnet9Parameters } from './options.ts'

/**
 * The nine-layer network that David Page designed for DAWNBench, fast to train to 94 % on CIFAR-10: four convolutions
 * of 64, 128, 256 and 512 channels, a max-pool after each except the first, a residual block after the second and the
 * last, then global max-pooling and a dense layer with logits scaled by 1/8.
 *
 * @param options the options common to all models; residual branches end in a relu, so initializing them to 0 would
 *   keep them at 0
 * @returns a model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError if an option is out of its range
 * @example
 * const model = resnet9({ seed: 1 })
 * @see Page, How to train your ResNet, 2018, https://github.com/davidcpage/cifar10-fast
 */
export function resnet9(given: ModelOptions = {}): LayersModel {
  const net = network('resnet-9', resnet9Parameters.parse(given))
  let x = block(net, net.input, 'stem', 64)
  for (const [stage, filters] of [128, 256, 512].entries()) {
    const name = `stage${stage + 1}`
    x = net.maxPool(block(net, x, name, filters), `${name}/pool`)
    if (stage === 1) continue
    const y = block(net, x, `${name}/residual1`, filters)
    x = net.add(x, block(net, y, `${name}/residual2`, filters), `${name}/add`)
  }
  return net.model(net.logits(net.global(x, 'max'), { bias: false, scale: 1 / 8 }))
}

function block(net: Network, x: Tensor, name: string, filters: number): Tensor {
  const y = net.norm(net.conv(x, `${name}/conv`, filters), `${name}/norm`)
  return net.activate(y, `${name}/relu`)
}
