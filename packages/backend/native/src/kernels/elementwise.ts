// The gradients of relu and relu6 as one op, and bfloat16 support for other parts of networks.
import * as tf from '@tensorflow/tfjs-core'
import { hasOps } from '../load.ts'
import { execute, extend, input, precisionOf } from './op.ts'

export function registerElementwise(): void {
  extend(tf.Relu, (original) => (call) => {
    const x = input(call, 'x')
    const precision = precisionOf(call, x)
    return precision === 'bfloat16'
      ? execute(call, 'Relu', [x], {}, { precision })[0]!
      : original(call)
  })
  for (const op of ['ReluGrad', 'Relu6Grad'] as const)
    extend(op, () => (call) => {
      const x = input(call, 'x')
      const precision = precisionOf(call, x)
      return execute(call, op, [input(call, 'dy'), x], {}, { precision })[0]!
    })
  if (hasOps()) {
    // tfjs has no such kernels and composes GELU with its gradient from twenty ops; @tricks/models uses them.
    extend('Gelu', () => (call) => {
      const x = input(call, 'x')
      return execute(call, 'TricksGelu', [x], {}, { precision: precisionOf(call, x) })[0]!
    })
    extend('GeluGrad', () => (call) => {
      const x = input(call, 'x')
      const precision = precisionOf(call, x)
      return execute(call, 'TricksGeluGrad', [input(call, 'dy'), x], {}, { precision })[0]!
    })
  }
  // tfjs-node composes it from seven ops, and the gradient of a fused relu uses it.
  extend(tf.Step, (original) => (call) => {
    if (call.attrs['alpha'] || input(call, 'x').dtype !== 'float32') return original(call)
    return tf.tidy(() => tf.maximum(tf.sign(input(call, 'x')), 0))
  })
  extend(tf.Add, (original) => (call) => {
    const [a, b] = [input(call, 'a'), input(call, 'b')]
    const precision = precisionOf(call, a, b)
    return precision === 'bfloat16'
      ? execute(call, 'AddV2', [a, b], {}, { precision })[0]!
      : original(call)
  })
  // Gradients are cast to float32 by tfjs, which would take them out of bfloat16.
  extend(tf.Cast, (original) => (call) => {
    const x = input(call, 'x')
    return call.attrs['dtype'] === x.dtype ? tf.clone(x) : original(call)
  })
  extend(tf.Reshape, (original) => (call) => {
    const x = input(call, 'x')
    const to = call.attrs['shape'] as number[]
    // tfjs ends many operations with one. As an op it would force lazy tensors.
    if (tf.util.arraysEqual(x.shape, to)) return tf.clone(x)
    const precision = precisionOf(call, x)
    if (precision === 'float32') return original(call)
    return tf.tidy(() => {
      const shape = tf.tensor1d(to, 'int32')
      return execute(call, 'Reshape', [x, shape], {}, { precision, typed: [0] })[0]!
    })
  })
}
