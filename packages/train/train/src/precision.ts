import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'
import { type Precision, precisionFlag } from '@tricks/kernels'

/**
 * Why convolutions and matrix products are unavailable in a precision, on the current backend and processor; undefined
 * if they are available.
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
      ? `the backend ${tf.getBackend()} supports only float32 (@tricks/native supports both)`
      : message
  }
}

/** The precision to use: the requested one, or float32 with a warning if it is unavailable. */
export function availablePrecision(requested: Precision = 'float32'): Precision {
  const known = requested === 'float32' || requested === 'bfloat16'
  assertArgument(known, 'train', { precision: requested }, 'float32 or bfloat16')
  const reason = unsupportedReason(requested)
  if (reason === undefined) return requested
  console.warn(`train: ${requested} is unavailable, so float32 is used: ${reason}`)
  return 'float32'
}

/** Runs `work` with convolutions and matrix products in the given precision. */
export function withPrecision<T>(precision: Precision, work: () => T): T {
  if (precision === 'float32') return work()
  tf.env().set(precisionFlag, precision)
  try {
    return work()
  } finally {
    tf.env().set(precisionFlag, 'float32')
  }
}
