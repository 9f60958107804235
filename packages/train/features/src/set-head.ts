import * as tf from '@tensorflow/tfjs-core'
import type { layers } from '@tensorflow/tfjs-layers'
import type { Head } from './head.ts'

/**
 * Sets a network's last layer to the result of `fitHead`.
 *
 * @param layer the `head` of `splitHead`
 * @throws Error if the layer has no bias, or was made for other numbers of features and classes
 * @example
 * const { head } = splitHead(model)
 * const block = { labels: Int32Array.of(0, 1), read: () => new Float32Array(2 * 4) }
 * setHead(head, await fitHead({ training: { width: 4, blocks: [block] }, classes: 10, decays: [0.01] }))
 */
export function setHead(
  layer: layers.Layer,
  { kernel, bias }: Pick<Head, 'kernel' | 'bias'>,
): void {
  const [weights, biases] = layer.weights
  const [width, classes] = weights!.shape as [number, number]
  if (!biases)
    throw new Error(
      `features: expected the last layer ${layer.name} to have a bias. Make it with useBias: true.`,
    )
  if (bias.length !== classes || kernel.length !== width * classes)
    throw new Error(
      `features: expected a fit of ${width} features and ${classes} classes, as the layer ${layer.name} has, ` +
        `got ${kernel.length / bias.length} and ${bias.length}`,
    )
  tf.tidy(() => layer.setWeights([tf.tensor2d(kernel, [width, classes]), tf.tensor1d(bias)]))
}
