import type { layers } from '@tensorflow/tfjs-layers'

/**
 * Keeps one weight of a layer out of training, whatever `trainable` the layer and its models get later: to set it
 * sets the flags of all weights in the layer's list of trainable ones, so a flag alone would be forgotten.
 */
export function fixWeight(layer: layers.Layer, weight: layers.Layer['weights'][number]): void {
  weight.trainable = false
  const { trainable } = layer
  // The lists that a frozen layer gives are not its own.
  layer.trainable = true
  if (layer.trainableWeights.includes(weight)) {
    const rest = layer.nonTrainableWeights
    layer.trainableWeights = layer.trainableWeights.filter((each) => each !== weight)
    layer.nonTrainableWeights = [weight, ...rest]
    weight.trainable = false
  }
  layer.trainable = trainable
}
