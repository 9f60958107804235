export { applyOperation, applySteps, type OperationParams, type StepsParams } from './apply.ts'
export { assertChannels } from './checks.ts'
export { describeSteps } from './describe.ts'
export { drawnSteps } from './drawn-steps.ts'
export {
  augmentationSpace,
  bins,
  drawStep,
  linear,
  type Magnitudes,
  posterizeBits,
  spaceParameters,
} from './magnitudes.ts'
export { type Interpolation, type Operation, operations, type Step } from './operation.ts'
