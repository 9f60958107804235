import { overrideBatchNorm, overrideRelu, overrideRelu6, whenSet } from '@tricks/kernels'
import { registerElementwise } from './elementwise.ts'
import { registerBatchNorm } from './batch-norm.ts'
import { registerBehindBatchNorm } from './behind-batch-norm.ts'
import { registerImage } from './image.ts'
import { backendName } from './op.ts'
import type { NativeBackend } from '../backend.ts'
import { extendTensors } from '../tensors.ts'
import { registerConvolution } from './convolution.ts'
import { registerDepthwise } from './depthwise.ts'
import { overrideMean } from './mean.ts'
import { overrideMomentum, registerUpdates } from './update.ts'
import { registerPooling } from './pooling.ts'

/** Registers the kernels and gradients that tfjs-node lacks, or that are faster as one op. */
export function registerKernels(): void {
  registerElementwise()
  registerBatchNorm()
  registerBehindBatchNorm()
  registerImage()
  registerConvolution()
  registerPooling()
  registerDepthwise()
  registerUpdates()
  whenSet(backendName, (backend) => {
    extendTensors(backend as NativeBackend)
    overrideRelu(backendName)
    overrideRelu6(backendName)
    overrideBatchNorm(backendName)
    overrideMean()
    overrideMomentum()
  })
}
