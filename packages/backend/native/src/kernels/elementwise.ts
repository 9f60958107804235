// The gradient of a rectifier as one op; tfjs-core composes it of five.
import * as tf from '@tensorflow/tfjs-core'
import { execute, extend, input, overrideGradient, runKernel, type } from './op.ts'

export function registerActivation(): void {
  extend('ReluGrad', () => (call) => {
    const inputs = [input(call, 'dy'), input(call, 'x')]
    return execute(call, 'ReluGrad', inputs, { T: type('TF_FLOAT') })
  })
}

export function overrideActivationGradient(): void {
  overrideGradient(
    tf.Relu,
    (_, [x]) => x!.dtype === 'float32',
    (dy, [x]) => ({ x: () => runKernel('ReluGrad', { x: x!, dy: dy as tf.Tensor })[0]! }),
  )
}
