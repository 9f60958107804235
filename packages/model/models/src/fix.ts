import type { layers } from '@tensorflow/tfjs-layers'

/**
 * Permanently excludes a weight from training, even if `trainable` of its layer or models is set later: that sets the
 * flags of all weights in the layer's list of trainable ones, so a flag alone would be lost.
 */
export function fixWeight(layer: layers.Layer, weight: layers.Layer['weights'][number]): void {
  weight.trainable = false
  const { trainable } = layer
  // The lists that a frozen layer returns are temporary.
  layer.trainable = true
  if (layer.trainableWeights.includes(weight)) {
    const rest = layer.nonTrainableWeights
    layer.trainableWeights = layer.trainableWeights.filter((each) => each !== weight)
    layer.nonTrainableWeights = [weight, ...rest]
    weight.trainable = false
  }
  layer.trainable = trainable
}
