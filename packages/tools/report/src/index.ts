export { chartSvg, type ChartSvgOptions } from './chart-svg.ts'
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
} from './statistics.ts'
export {
  batchSheet,
  imageSheet,
  type Picture,
  type Sheet,
  type SheetOptions,
  type SheetRow,
  stepSheet,
  type Tile,
} from './preview.ts'
export { type Caption, type Captions, captionsOf, type Place } from './preview-captions.ts'
export { sheetPng, svgPng } from './preview-png.ts'
export { beside, pngUrl, sheetSvg, type SheetSvgOptions } from './preview-svg.ts'
export { comparisonPage } from './compare.ts'
export { reportPage } from './page.ts'
export { readRunFolder } from './read.ts'
export {
  type BatchImage,
  type BatchRecord,
  encodeBatch,
  encodeTest,
  type EpochLine,
  parseRun,
  type RunFiles,
  type RunRecord,
  type StepLine,
  type TestRecord,
} from './record.ts'
export { rateCurve, type RateCurve, type RateCurveOptions } from './plot.ts'
export { plotSvg, type PlotSvgOptions } from './plot-svg.ts'
export { plotTerminal } from './plot-terminal.ts'
export { planLines } from './plan.ts'
export { openTensorBoard, type TensorBoard } from './tensorboard.ts'
