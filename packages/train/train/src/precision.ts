import * as tf from '@tensorflow/tfjs-core'
import { assertOption } from '@tricks/core'

/** What convolutions and matrix products are computed in. */
export type Precision = 'float32' | 'bfloat16'

/** The flag of a backend that can do it. */
const flag = 'COMPUTE_PRECISION'

/**
 * The precision that is to be had: the one asked for, or float32 where the backend or the processor lacks it, which is
 * said by a warning. {@link train} asks it by itself.
 *
 * @param asked by default 'float32'
 * @throws Error for another name
 * @example
 * const precision = availablePrecision('bfloat16') // 'float32', unless on native and a processor that has it
 */
export function availablePrecision(asked: Precision = 'float32'): Precision {
  const known = asked === 'float32' || asked === 'bfloat16'
  assertOption(known, 'train', { precision: asked }, 'float32 or bfloat16')
  if (asked === 'float32') return asked
  try {
    withPrecision(asked, () => undefined)
    return asked
  } catch (error) {
    const { message } = error as Error
    const reason = message.includes('has not been registered')
      ? `the backend ${tf.getBackend()} computes in float32 alone (@tricks/native can do both)`
      : message
    console.warn(`train: bfloat16 is not to be had, so float32 is used: ${reason}`)
    return 'float32'
  }
}

/** Does the work with its convolutions and matrix products in a precision. */
export function withPrecision<T>(precision: Precision, work: () => T): T {
  if (precision === 'float32') return work()
  tf.env().set(flag, precision)
  try {
    return work()
  } finally {
    tf.env().set(flag, 'float32')
  }
}
