export type { Checkpoint, CheckpointOptions, HostTensor } from './checkpoint.ts'
export {
  batchOf,
  type ImageSet,
  openData,
  type Pixels,
  type Subset,
  type TrainingData,
} from './data.ts'
export type { RunFacts } from './facts.ts'
export { keepOnDevice } from './device-images.ts'
export { type Layer, variablesOf } from '@tricks/core'
export type { ApplyOptions, Model } from './model.ts'
export type { NonFinite, Skips } from './non-finite.ts'
export { Observers } from './observers.ts'
export { alignOptimizer } from './optimizer.ts'
export { lackOf, type Precision } from './precision.ts'
export { firstOf, imagesAt } from './subset.ts'
export { openRun, type OpenRun, type RunOptions } from './run.ts'
export { setRate } from './rate.ts'
export {
  type EpochProgress,
  type Progress,
  type StepProgress,
  train,
  training,
  type TrainOptions,
  type TrainResult,
} from './train.ts'
