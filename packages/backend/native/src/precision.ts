// The precision of convolutions and matrix products.
import * as tf from '@tensorflow/tfjs-core'
import { type Precision, precisionFlag } from '@tricks/kernels'
import type { NativeBackend } from './backend.ts'
import { backendName } from './kernels/op.ts'
import { processorFlags } from './processor.ts'

let precision: Precision = 'float32'

/** The current precision of convolutions and matrix products. */
export const computePrecision = (): Precision => precision

/**
 * Registers the precision's flag. Setting it to 'bfloat16' throws if the processor would only emulate it, which is
 * slower than float32.
 */
export function registerPrecision(): void {
  if (precisionFlag in (tf.env() as unknown as { flagRegistry: object }).flagRegistry) return
  tf.env().registerFlag(
    precisionFlag,
    () => 'float32',
    (value) => {
      if (value !== 'float32' && value !== 'bfloat16')
        throw new Error(`native: expected ${precisionFlag} to be float32 or bfloat16, got ${value}`)
      precision = 'float32'
      if (value === 'bfloat16') requireBfloat16()
      precision = value
    },
  )
}

function requireBfloat16(): void {
  const current = tf.getBackend()
  if (current !== backendName)
    throw new Error(
      `native: expected ${backendName} to be the backend for bfloat16, got ${current}`,
    )
  const { isUsingGpuDevice } = tf.backend() as NativeBackend
  if (!isUsingGpuDevice && !processorFlags().some((flag) => /^(avx512|amx)_bf16$/.test(flag)))
    throw new Error(
      'native: this processor does not support bfloat16 (neither avx512_bf16 nor amx_bf16)',
    )
}
