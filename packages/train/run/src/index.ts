export { checkpointFolder, type CheckpointFolder, type Found } from './checkpoint/folder.ts'
export { decode, encode } from './checkpoint/codec.ts'
export { parseJson } from './files/json.ts'
export { isLocked, type Lock, lockFolder } from './files/lock.ts'
export { replaceFile } from './files/replace.ts'
export {
  decodeTensors,
  encodeTensors,
  type FileDtype,
  type FileTensor,
} from './files/safetensors.ts'
export { checkFree, type EarlierRun, openRunFolder, readRun, type RunFolder } from './folder.ts'
export { hasModel, loadModel, loadTeacher, modelFiles, type TrainedModel } from './model.ts'
export type { RunLength } from './progress/course.ts'
export { describePlan, type PlanLine, planLines } from './plan-lines.ts'
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
export { readRunFolder } from './record/read.ts'
export { type BatchImage, type BatchRecord, encodeBatch } from './record/batch.ts'
export type { Picture } from './record/pictures.ts'
export { encodePredictions, type PredictionRecord, shownMistakes } from './record/predictions.ts'
export { parseRun, type RunFiles, type RunRecord } from './record/record.ts'
export type { EpochLine, RunFacts, Settings, StepLine } from './record/schema.ts'
export {
  type Bin,
  type Calibration,
  calibration,
  type ClassAccuracy,
  classAccuracies,
  confusionMatrix,
  type Mistake,
  mistakes,
  predictedClasses,
  type Predictions,
  probabilitiesOf,
} from './record/statistics.ts'
export { type Dataset, run, type RunOptions } from './run.ts'
export {
  batchSheet,
  imageSheet,
  type Sheet,
  type SheetOptions,
  type SheetRow,
  stepSheet,
  type Tile,
} from './sheet.ts'
export { openTensorBoard, type TensorBoard } from './tensorboard/files.ts'
