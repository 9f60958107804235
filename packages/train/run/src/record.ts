// Reads a run's folder without Node ('@tricks/run/record'), for pages and tools that may run in a browser.
export { decodeTensors, encodeTensors, type FileDtype, type FileTensor } from '@tricks/safetensors'
export { describePlan, type PlanLine, planLines } from './plan-lines.ts'
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
export {
  batchSheet,
  imageSheet,
  type Sheet,
  type SheetOptions,
  type SheetRow,
  stepSheet,
  type Tile,
} from './sheet.ts'
