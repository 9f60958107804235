// The gradient of `tf.mean`: tfjs multiplies the gradient by ones of the input's shape, which it makes in JavaScript.
import * as tf from '@tensorflow/tfjs-core'
import { overrideGradient } from '@tricks/kernels'
import type { NativeBackend } from '../backend.ts'
import { isBfloat16 } from '../tensors.ts'
import { backendName, execute } from './op.ts'

export function overrideMean(): void {
  overrideGradient(
    backendName,
    tf.Mean,
    () => true,
    (dy, [x], attributes) => ({
      x: () => {
        const { shape } = x!
        const axes = tf.util.parseAxisParam(attributes['axis'] as number | number[], shape)
        const times = shape.map((size, axis) => (axes.includes(axis) ? size : 1))
        const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
        const each = tf.div(dy as tf.Tensor, tf.util.sizeFromShape(times))
        return repeat(tf.reshape(each, kept), times, x!)
      },
    }),
  )
}

/** `tf.tile`, in bfloat16 if the mean's input is and no gradient of this gradient is recorded. */
function repeat(tensor: tf.Tensor, times: number[], x: tf.Tensor): tf.Tensor {
  const backend = tf.backend() as NativeBackend
  const recorded = tf.engine().state.gradientDepth > 0
  if (recorded || !isBfloat16(backend, x)) return tf.tile(tensor, times)
  return tf.tidy(() => {
    const inputs = [tensor, tf.tensor1d(times, 'int32')]
    return execute({ backend }, 'Tile', inputs, {}, { precision: 'bfloat16', typed: [0] })[0]!
  })
}
