import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'
import { type Precision, precisionFlag } from '@tricks/kernels'

/**
 * Why convolutions and matrix products are not available in a precision, on the backend and the processor that are used;
 * undefined where they are.
 *
 * @example
 * const precision = lackOf('bfloat16') === undefined ? 'bfloat16' : 'float32'
 */
export function lackOf(precision: Precision): string | undefined {
  try {
    withPrecision(precision, () => undefined)
    return undefined
  } catch (error) {
    const { message } = error as Error
    return message.includes('has not been registered')
      ? `the backend ${tf.getBackend()} computes in float32 alone (@tricks/native can do both)`
      : message
  }
}

/** The precision that is to be had: float32 where backend or processor lack the one asked for, which is said. */
export function availablePrecision(asked: Precision = 'float32'): Precision {
  const known = asked === 'float32' || asked === 'bfloat16'
  assertArgument(known, 'train', { precision: asked }, 'float32 or bfloat16')
  const reason = lackOf(asked)
  if (reason === undefined) return asked
  console.warn(`train: ${asked} is not available, so float32 is used: ${reason}`)
  return 'float32'
}

/** Does the work with its convolutions and matrix products in a precision. */
export function withPrecision<T>(precision: Precision, work: () => T): T {
  if (precision === 'float32') return work()
  tf.env().set(precisionFlag, precision)
  try {
    return work()
  } finally {
    tf.env().set(precisionFlag, 'float32')
  }
}
