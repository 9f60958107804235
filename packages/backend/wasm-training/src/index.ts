import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { registerActivation } from './activation.ts'
import { registerArray } from './array.ts'
import { registerAugment } from './augment.ts'
import { registerBatchNorm } from './batch-norm.ts'
import { registerConvolution } from './convolution.ts'
import { type Simd, checkThreads, supported, wantThreads } from './engine/index.ts'
import { registerGradients } from './gradients.ts'
import { registerMatMul } from './matmul.ts'
import { guardMemory } from './memory.ts'
import { registerPooling } from './pooling.ts'
import { shareHeap } from './threads/shared-heap.ts'

export type { Simd }

/**
 * The build of the kernels: `relaxed` with fused multiply-add, if the JavaScript engine supports relaxed SIMD (V8 from
 * 11.4: Node 22, Chrome 114), otherwise `plain`. The two round differently in the last bit.
 *
 * @throws on import if the engine has no WebAssembly SIMD
 */
export const simd: Simd = supported()

/**
 * Sets the number of threads that kernels run on. The default is the environment variable `TRICKS_THREADS`, or the
 * number of cores. The results are bit-equal for any number.
 *
 * Where threads can't share memory (a page that is not cross-origin isolated, Node before 20.16), everything runs on
 * one thread.
 *
 * @param count 1 or more, from the next operation on
 * @throws RangeError unless it is an integer from 1 to 256
 * @example
 * setThreads(1)
 */
export function setThreads(count: number): void {
  const backend = tf.engine().registry['wasm'] as BackendWasm | undefined
  wantThreads(checkThreads('threads', count), backend ?? null)
}

shareHeap()
guardMemory()
registerActivation()
registerArray()
registerAugment()
registerBatchNorm()
registerConvolution()
registerGradients()
registerMatMul()
registerPooling()
