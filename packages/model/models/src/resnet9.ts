import type { LayersModel } from '@tensorflow/tfjs-layers'
import { type Network, network, type Tensor } from './network.ts'
import { type ModelOptions, resnet9Parameters } from './options.ts'

/**
 * The net of nine layers that David Page made for DAWNBench, quick to train to 94 % on CIFAR-10: four
 * convolutions of 64, 128, 256 and 512 channels, a max-pool after each but the first, a residual block after
 * the second and the last, then the maximum over all places and a dense layer, its logits times 1/8.
 *
 * @param options those of every model; a residual branch ends in a relu, so starting it at 0 would keep it there
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
