import type { LayersModel } from '@tensorflow/tfjs-layers'
import { assertArgument } from '@tricks/core'
import { network } from './network.ts'
import { type PlainOptions, plainParameters } from './options.ts'

/**
 * A small, fast network: 3 × 3 convolutions with batch norm and relu; a 2 × 2 max-pool after each stage except the
 * last; then global average pooling and a dense layer.
 *
 * @param options.widths positive integers, by stage, default [[32], [64], [128], [128]]
 * @param options.batchNorm default true
 * @param options.dropout in [0, 1), default 0
 * @returns a model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError if an option is out of its range
 * @example
 * const model = plain({ widths: [[16], [32, 32], [64]], seed: 1 })
 */
export function plain(given: PlainOptions = {}): LayersModel {
  const options = plainParameters.parse(given)
  const { widths, inputShape, batchNorm, dropout } = options
  const pixels = 2 ** (widths.length - 1)
  assertArgument(
    Math.min(inputShape[0], inputShape[1]) >= pixels,
    'plain',
    { inputShape },
    `at least ${pixels} pixels high and wide for ${widths.length} stages`,
  )

  const net = network('plain', options)
  let x = net.input
  widths.forEach((stage, s) => {
    if (s > 0) x = net.maxPool(x, `stage${s}/pool`)
    stage.forEach((width, b) => {
      const block = `stage${s + 1}/block${b + 1}`
      x = net.conv(x, `${block}/conv`, width, { bias: !batchNorm })
      if (batchNorm) x = net.norm(x, `${block}/norm`)
      x = net.activate(x, `${block}/relu`)
    })
  })
  x = net.global(x, 'average')
  if (dropout > 0) x = net.dropout(x, 'dropout', dropout)
  return net.model(net.logits(x))
}
