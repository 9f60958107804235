export { type KernelName, type Kernels, type Precision, precisionFlag } from './contracts.ts'
export {
  type Gradient,
  overrideBatchNorm,
  overrideGradient,
  overrideRelu,
  overrideRelu6,
} from './gradients.ts'
export { type Extend, extender, hasKernel, runKernel, whenSet } from './kernel.ts'
