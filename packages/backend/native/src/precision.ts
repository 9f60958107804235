// The precision of convolutions and matrix products.
import * as tf from '@tensorflow/tfjs-core'
import { type Precision, precisionFlag } from '@tricks/kernels'
import type { NativeBackend } from './backend.ts'
import { backendName } from './kernels/op.ts'
import { multipliesPairs } from './load.ts'
import { processorFlags } from './processor.ts'

let precision: Precision = 'float32'

/** The current precision of convolutions and matrix products. */
export const computePrecision = (): Precision => precision

/** Whether bfloat16 is faster than float32 on this processor. */
export const isFasterIn16 = (): boolean =>
  processorFlags().includes('amx_bf16') || multipliesPairs()

/** Registers the precision's flag. Setting it to 'bfloat16' throws where float32 is faster. */
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
  if (!isUsingGpuDevice && !isFasterIn16())
    throw new Error(
      'native: float32 is faster here: bfloat16 needs a processor with amx_bf16, or with avx512_bf16 and ops compiled for it',
    )
}
