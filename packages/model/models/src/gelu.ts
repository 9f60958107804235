import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'

/**
 * tfjs's own activation layer for GELU, which is x Φ(x), by a backend's kernels where it brings them: `Gelu` (x → y) and
 * `GeluGrad` (x, dy → dx). tfjs composes the two of twenty operations. A saved model names tfjs's layer and nothing else.
 */
export function geluLayer(name: string): layers.layers.Layer {
  const layer = layers.layers.activation({ name, activation: 'gelu' })
  const compose = layer.call.bind(layer)
  layer.call = (inputs, kwargs) =>
    tf.getKernel('Gelu', tf.getBackend())
      ? byKernels(Array.isArray(inputs) ? inputs[0]! : inputs)
      : compose(inputs, kwargs)
  return layer
}

const byKernels = tf.customGrad(((x: tf.Tensor, save: tf.GradSaveFunc) => {
  save([x])
  return {
    value: tf.engine().runKernel<tf.Tensor>('Gelu', { x }),
    gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
      tf.engine().runKernel<tf.Tensor>('GeluGrad', { x: saved!, dy }),
  }
}) as Parameters<typeof tf.customGrad>[0])
