export { checkpointFolder, type CheckpointFolder, type Found } from './checkpoint/folder.ts'
export { decode, encode } from './checkpoint/codec.ts'
export { parseJson } from '@tricks/safetensors'
export { isLocked, type Lock, lockFolder } from './files/lock.ts'
export { replaceFile } from './files/replace.ts'
export { checkFree, type EarlierRun, openRunFolder, readRun, type RunFolder } from './folder.ts'
export { hasModel, loadModel, loadTeacher, modelFiles, type TrainedModel } from './model.ts'
export type { Dataset, RunOptions } from './options.ts'
export type { RunLength } from './progress/course.ts'
export { duration, percent } from './progress/format.ts'
export { type ProgressMode, progressModes, progressView } from './progress/progress.ts'
export type { ProgressView } from './progress/view.ts'
export {
  defineRecipe,
  modelOf,
  type Recipe,
  type RecipeContext,
  type RecipeData,
  tricksOf,
  validationOf,
} from './recipe.ts'
export * from './record.ts'
export { readRunFolder } from './record/read.ts'
export { run } from './run.ts'
export { setUp, type Setup } from './set-up.ts'
export { openTensorBoard, type TensorBoard } from './tensorboard/files.ts'
