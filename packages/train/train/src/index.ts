export type { ImageSet } from './data.ts'
export { type ApplyOptions, type Layer, type Model, variablesOf } from './model.ts'
export {
  type EpochProgress,
  type Progress,
  type StepProgress,
  train,
  training,
  type TrainOptions,
  type TrainResult,
} from './train.ts'
