import * as tf from '@tensorflow/tfjs-core'
import { overrideBatchNorm, overrideRelu, overrideRelu6, whenSet } from '@tricks/kernels'
import { registerActivation } from './activation.ts'
import { open } from './backend.ts'
import { registerBatchNorm } from './batch-norm.ts'
import { registerConvolution } from './convolution.ts'
import { backendName } from './kernel.ts'
import { registerPooling } from './pooling.ts'
import { registerReduction } from './reduction.ts'

export { type Adapter, findAdapter } from './adapter.ts'
export { countProduct, type ProductCount, type ProductShape } from './product.ts'

// tfjs's own factory takes any adapter, and there is none in Node.
if (tf.findBackendFactory(backendName) !== null) tf.removeBackend(backendName)
tf.registerBackend(backendName, open, 3)

registerActivation()
registerBatchNorm()
registerConvolution()
registerPooling()
registerReduction()
// Gradients that tfjs-core composes of many operations, by one kernel each. On other backends tfjs's own are used.
whenSet(backendName, () => {
  overrideRelu(backendName)
  overrideRelu6(backendName)
  overrideBatchNorm(backendName)
})
