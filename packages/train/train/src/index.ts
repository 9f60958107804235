export type { Checkpoint, CheckpointOptions, HostTensor } from './checkpoint.ts'
export { batchOf, drawsFor, type IndexedBatch, openData, type TrainingData } from './data.ts'
export { describeTrick, type RunFacts } from './facts.ts'
export { fingerprintOf, textFingerprint } from './fingerprint.ts'
export { keepOnDevice } from './device-images.ts'
export {
  allImages,
  type ImageSet,
  type LargerImages,
  type Pixels,
  type Subset,
  takesLarger,
} from './image-set.ts'
export { type Layer, variablesOf } from '@tricks/core/model'
export type { ApplyOptions, Model } from './model.ts'
export { meanAveragePrecision, type Scores, scoresOf } from './multi-label.ts'
export { type NonFinite, NonFiniteError, type Skips } from './non-finite.ts'
export { Observers } from './observers.ts'
export { alignOptimizer } from './optimizer.ts'
export type { Precision } from '@tricks/kernels'
export { unsupportedReason } from './precision.ts'
export type { EpochProgress, Progress, StepProgress } from './progress.ts'
export { firstOf, imagesAt } from './subset.ts'
export { openRun, type OpenRun, type RunOptions } from './run.ts'
export { setRate } from './rate.ts'
export { imagesAlone } from './statistics.ts'
export { train, training, type TrainOptions, type TrainResult } from './train.ts'
