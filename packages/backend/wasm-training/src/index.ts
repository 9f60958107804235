import '@tensorflow/tfjs-backend-wasm'
import { registerActivation } from './activation.ts'
import { registerArray } from './array.ts'
import { registerBatchNorm } from './batch-norm.ts'
import { registerConvolution } from './convolution.ts'
import { type Simd, supported } from './engine/index.ts'
import { registerGradients } from './gradients.ts'
import { registerMatMul } from './matmul.ts'
import { guardMemory } from './memory.ts'
import { registerPooling } from './pooling.ts'

export type { Simd }

/**
 * Which build of the kernels runs: `relaxed` with fused multiply-add, where the JavaScript engine has relaxed SIMD
 * (V8 from 11.4: Node 22, Chrome 114), else `plain`. The two round differently in the last bit.
 *
 * @throws on import if the engine has no WebAssembly SIMD
 */
export const simd: Simd = supported()

guardMemory()
registerActivation()
registerArray()
registerBatchNorm()
registerConvolution()
registerGradients()
registerMatMul()
registerPooling()
