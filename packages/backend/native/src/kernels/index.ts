import * as tf from '@tensorflow/tfjs-core'
import { overrideActivationGradient, registerActivation } from './activation.ts'
import { overrideBatchNormGradient, registerBatchNorm } from './batch-norm.ts'
import { registerImage } from './image.ts'
import { backendName } from './op.ts'
import { registerConvolution } from './convolution.ts'

/** Called at each `tf.setBackend('tensorflow')`, after which no module registers tfjs's gradients again. */
function overrideGradients(): void {
  overrideActivationGradient()
  overrideBatchNormGradient()
}

/** Registers the kernels and gradients that tfjs-node lacks, or that are faster as one op. */
export function registerKernels(): void {
  registerActivation()
  registerBatchNorm()
  registerImage()
  registerConvolution()
  // A kernel's set-up runs at each `tf.setBackend('tensorflow')`: this one is no kernel otherwise.
  tf.registerKernel({
    kernelName: 'NativeGradients',
    backendName,
    kernelFunc: () => {
      throw new Error('native: expected no call of this kernel')
    },
    setupFunc: overrideGradients,
  })
  if (tf.getBackend() === backendName) overrideGradients()
}
