import * as tf from '@tensorflow/tfjs-core'
import { overrideBatchNorm, overrideRelu, overrideRelu6, whenSet } from '@tricks/kernels'
import { registerActivation } from './activation.ts'
import { open } from './backend.ts'
import { registerAugment } from './augment.ts'
import { registerBatchNorm } from './batch-norm.ts'
import { registerConvolution } from './convolution.ts'
import { backendName } from './kernel.ts'
import { registerPooling } from './pooling.ts'
import { registerReduction } from './reduction.ts'

export { type Adapter, findAdapter } from './adapter.ts'
export { countProduct, type ProductCount, type ProductShape } from './product.ts'

// tfjs's own factory accepts any adapter, and doesn't exist in Node.
if (tf.findBackendFactory(backendName) !== null) tf.removeBackend(backendName)
tf.registerBackend(backendName, open, 3)

registerActivation()
registerAugment()
registerBatchNorm()
registerConvolution()
registerPooling()
registerReduction()
// Gradients that tfjs-core composes from many operations, as single kernels. Other backends use tfjs's own.
whenSet(backendName, () => {
  overrideRelu(backendName)
  overrideRelu6(backendName)
  overrideBatchNorm(backendName)
})
