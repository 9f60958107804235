import type { LayersModel } from '@tensorflow/tfjs-layers'
import { assertOption } from '@tricks/core'
import { isCount, type ModelOptions, network } from './network.ts'

export interface PlainOptions extends ModelOptions {
  /** The widths of the convolutions, stage by stage, default [[32], [64], [128], [128]]. */
  readonly widths?: readonly (readonly number[])[]
}

/**
 * A small fast net: 3 × 3 convolution, batch norm and relu, one after the other; a 2 × 2 max-pool after
 * each stage but the last; then the mean over all places, and a dense layer.
 *
 * @param options.widths positive integers, stage by stage, default [[32], [64], [128], [128]]
 * @returns a model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError if an option is out of its range
 * @example
 * const model = plain({ widths: [[16], [32, 32], [64]], seed: 1 })
 */
export function plain(options: PlainOptions = {}): LayersModel {
  const { widths = [[32], [64], [128], [128]], inputShape = [32, 32, 3] } = options
  assertOption(
    widths.length > 0 && widths.every((stage) => stage.length > 0 && stage.every(isCount)),
    'plain',
    { widths },
    'stages of positive integers',
  )
  const pixels = 2 ** (widths.length - 1)
  assertOption(
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
      x = net.conv(x, `${block}/conv`, width)
      x = net.norm(x, `${block}/norm`)
      x = net.activate(x, `${block}/relu`)
    })
  })
  return net.model(net.logits(net.global(x, 'average')))
}
