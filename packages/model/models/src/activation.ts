import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { hasKernel, runKernel } from '@tricks/kernels'

export type Activation = 'relu' | 'relu6' | 'gelu'

/**
 * tfjs's own activation layer with fewer operations than tfjs composes it from: ReLU6 as one, GELU, x Φ(x), with a
 * backend's kernels if available. A saved model contains only tfjs's layer.
 */
export function activationLayer(name: string, activation: Activation): layers.layers.Layer {
  const layer = layers.layers.activation({ name, activation })
  const compute = faster[activation]
  if (!compute) return layer
  const compose = layer.call.bind(layer)
  layer.call = (inputs, kwargs) =>
    compute(Array.isArray(inputs) ? inputs[0]! : inputs) ?? compose(inputs, kwargs)
  return layer
}

const faster: { readonly [A in Activation]?: (x: tf.Tensor) => tf.Tensor | undefined } = {
  relu6: (x) => tf.relu6(x),
  gelu: (x) => (hasKernel('Gelu') ? geluByKernels(x) : undefined),
}

const geluByKernels = tf.customGrad(((x: tf.Tensor, save: tf.GradSaveFunc) => {
  save([x])
  return {
    value: runKernel('Gelu', { x }),
    gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => runKernel('GeluGrad', { x: saved!, dy }),
  }
}) as Parameters<typeof tf.customGrad>[0])
