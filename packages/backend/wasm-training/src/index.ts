import '@tensorflow/tfjs-backend-wasm'
import { registerConvolution } from './convolution.ts'
import { registerDepthwise } from './depthwise.ts'
import { registerMatMul } from './matmul.ts'
import { registerRows } from './rows.ts'

registerConvolution()
registerDepthwise()
registerMatMul()
registerRows()
