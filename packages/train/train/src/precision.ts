import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'
import { type Precision, precisionFlag } from '@tricks/kernels'

/**
 * Why convolutions and matrix products are not available in a precision, on the backend and the processor that are used;
 * undefined where they are.
 *
 * @example
 * const precision = unsupportedReason('bfloat16') === undefined ? 'bfloat16' : 'float32'
 */
export function unsupportedReason(precision: Precision): string | undefined {
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
export function availablePrecision(requested: Precision = 'float32'): Precision {
  const known = requested === 'float32' || requested === 'bfloat16'
  assertArgument(known, 'train', { precision: requested }, 'float32 or bfloat16')
  const reason = unsupportedReason(requested)
  if (reason === undefined) return requested
  console.warn(`train: ${requested} is not available, so float32 is used: ${reason}`)
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
