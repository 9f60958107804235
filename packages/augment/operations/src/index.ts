export { applyOperation, applySteps, type OperationParams, type StepsParams } from './apply.ts'
export { assertChannels } from './checks.ts'
export { describeSteps } from './describe.ts'
export { type Operation, operations, type Step } from './operation.ts'
