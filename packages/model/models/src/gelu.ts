import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { hasKernel, runKernel } from '@tricks/kernels'

/**
 * tfjs's own activation layer for GELU, which is x Φ(x), by a backend's kernels if it has them; tfjs composes the two of twenty operations. A saved model names tfjs's layer and nothing else.
 */
export function geluLayer(name: string): layers.layers.Layer {
  const layer = layers.layers.activation({ name, activation: 'gelu' })
  const compose = layer.call.bind(layer)
  layer.call = (inputs, kwargs) =>
    hasKernel('Gelu')
      ? byKernels(Array.isArray(inputs) ? inputs[0]! : inputs)
      : compose(inputs, kwargs)
  return layer
}

const byKernels = tf.customGrad(((x: tf.Tensor, save: tf.GradSaveFunc) => {
  save([x])
  return {
    value: runKernel('Gelu', { x }),
    gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => runKernel('GeluGrad', { x: saved!, dy }),
  }
}) as Parameters<typeof tf.customGrad>[0])
