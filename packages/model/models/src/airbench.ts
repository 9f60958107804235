import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { assertArgument } from '@tricks/core'
import { fixWeight } from './fix.ts'
import { network } from './network.ts'
import { type AirbenchOptions, airbenchParameters } from './options.ts'

/**
 * The network of cifar10-airbench for 94 %: a 2 × 2 convolution that `whiten` computes from training images, then three
 * blocks of two convolutions with a max-pool after the first, then global max-pooling and a dense layer with logits
 * scaled by 1/9. Convolutions start as the identity on their first channels; batch norm has no trainable scale.
 *
 * @param options.widths three positive integers, default [64, 256, 256]
 * @param options.activation default 'gelu'
 * @param options.momentum default 0.6
 * @returns a model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError if an option is out of its range
 * @example
 * const model = airbench({ seed: 1 })
 * await whiten(model, images) // the first 5,000, normalised
 * @see Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU, 2024, https://arxiv.org/abs/2404.00498
 */
export function airbench(given: AirbenchOptions = {}): LayersModel {
  const options = airbenchParameters.parse(given)
  const { widths, inputShape, activation } = options
  assertArgument(
    Math.min(inputShape[0], inputShape[1]) >= 9,
    'airbench',
    { inputShape },
    'at least 9 pixels high and wide',
  )

  const net = network('airbench', options)
  const kernel = 2
  let x = net.conv(net.input, 'whiten/conv', 2 * kernel ** 2 * inputShape[2], {
    kernel,
    padding: 'valid',
    bias: true,
  })
  x = net.activate(x, `whiten/${activation}`, activation)
  widths.forEach((width, b) => {
    for (const part of [1, 2]) {
      x = net.conv(x, `block${b + 1}/conv${part}`, width, { gain: 1 / 3 })
      if (part === 1) x = net.maxPool(x, `block${b + 1}/pool`)
      x = net.norm(x, `block${b + 1}/norm${part}`)
      x = net.activate(x, `block${b + 1}/${activation}${part}`, activation)
    }
  })
  const logits = net.logits(net.global(x, 'max'), { bias: false, scale: 1 / 9, gain: 1 / 3 })
  const model = net.model(logits)
  for (const layer of model.layers)
    for (const weight of layer.weights) {
      if (weight.originalName.endsWith('/gamma')) fixWeight(layer, weight)
      if (/^block\d\/conv/.test(layer.name) && options.weights !== 'zeros')
        tf.tidy(() => void weight.write(startAsIdentity(weight.read() as tf.Tensor4D)))
    }
  return model
}

/** The first filters pass the input's channels through; the others keep their random values. */
function startAsIdentity(kernel: tf.Tensor4D): tf.Tensor4D {
  const [height, width, inputs, outputs] = kernel.shape
  const same = Math.min(inputs, outputs)
  const identity = tf.pad(tf.eye(inputs, same), [
    [0, 0],
    [0, outputs - same],
  ])
  const [above, left] = [(height - 1) / 2, (width - 1) / 2]
  const centred = tf.pad(tf.reshape(identity, [1, 1, inputs, outputs]), [
    [above, above],
    [left, left],
    [0, 0],
    [0, 0],
  ])
  const drawn = tf.slice(kernel, [0, 0, 0, same], [height, width, inputs, outputs - same])
  const rest = tf.pad(drawn, [
    [0, 0],
    [0, 0],
    [0, 0],
    [same, 0],
  ])
  return tf.add(centred, rest)
}
