import * as tf from '@tensorflow/tfjs-core'
import { overrideElementwiseGradients, registerElementwise } from './elementwise.ts'
import { overrideBatchNormGradient, registerBatchNorm } from './batch-norm.ts'
import { registerBehindBatchNorm } from './behind-batch-norm.ts'
import { registerImage } from './image.ts'
import { backendName } from './op.ts'
import type { NativeBackend } from '../backend.ts'
import { extendTensors } from '../tensors.ts'
import { registerConvolution } from './convolution.ts'
import { overrideMomentum, registerUpdates } from './update.ts'

/** Called at each `tf.setBackend('tensorflow')`, after which no module registers tfjs's gradients again. */
function override(): void {
  overrideElementwiseGradients()
  overrideBatchNormGradient()
  overrideMomentum()
}

/** Registers the kernels and gradients that tfjs-node lacks, or that are faster as one op. */
export function registerKernels(): void {
  registerElementwise()
  registerBatchNorm()
  registerBehindBatchNorm()
  registerImage()
  registerConvolution()
  registerUpdates()
  // A kernel's set-up runs at each `tf.setBackend('tensorflow')`: this one is no kernel otherwise.
  tf.registerKernel({
    kernelName: 'NativeGradients',
    backendName,
    kernelFunc: () => {
      throw new Error('native: expected no call of this kernel')
    },
    setupFunc: (backend) => {
      extendTensors(backend as NativeBackend)
      override()
    },
  })
  if (tf.getBackend() === backendName) {
    extendTensors(tf.backend() as NativeBackend)
    override()
  }
}
