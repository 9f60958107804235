import '@tensorflow/tfjs-backend-wasm'
import { registerActivation } from './activation.ts'
import { registerBatchNorm } from './batch-norm.ts'
import { registerConvolution } from './convolution.ts'
import { registerGradients } from './gradients.ts'
import { registerMatMul } from './matmul.ts'
import { registerPooling } from './pooling.ts'
import { registerArray } from './array.ts'

registerActivation()
registerBatchNorm()
registerConvolution()
registerMatMul()
registerPooling()
registerArray()
registerGradients()
