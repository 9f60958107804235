// Gradients that tfjs-core composes from many operations, and those that it does not support, as single wasm kernels.
// Other backends use tfjs's own.
import * as tf from '@tensorflow/tfjs-core'
import {
  type Gradient,
  overrideBatchNorm,
  overrideGradient,
  overrideRelu,
  whenSet,
} from '@tricks/kernels'
import { backendName } from './kernel.ts'

function overrideGradients(): void {
  overrideRelu(backendName)
  overrideBatchNorm(backendName)
  overrideDilated(tf.Conv2D, tf.Conv2DBackpropInput, tf.Conv2DBackpropFilter)
  overrideDilated(
    tf.DepthwiseConv2dNative,
    tf.DepthwiseConv2dNativeBackpropInput,
    tf.DepthwiseConv2dNativeBackpropFilter,
  )
}

/** tfjs does not support the gradient of a dilated convolution. */
function overrideDilated(kernelName: string, ofInput: string, ofFilter: string): void {
  overrideGradient(
    backendName,
    kernelName,
    ({ dilations }) => !([dilations].flat() as number[]).every((dilation) => dilation === 1),
    convolutionGradient(ofInput, ofFilter),
  )
}

function convolutionGradient(ofInput: string, ofFilter: string): Gradient {
  return (upstream, [x, filter], attrs) => {
    const dy = upstream as tf.Tensor
    const run = (name: string, inputs: tf.NamedTensorMap, shape: object): tf.Tensor =>
      tf.engine().runKernel(name, inputs, { ...attrs, ...shape })
    return {
      x: () => run(ofInput, { dy, filter: filter! }, { inputShape: x!.shape }),
      filter: () => run(ofFilter, { x: x!, dy }, { filterShape: filter!.shape }),
    }
  }
}

export const registerGradients = (): void => whenSet(backendName, overrideGradients)
