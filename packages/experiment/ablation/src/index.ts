export { ablate, type AblateOptions, write } from './ablate.ts'
export { type Arm, armsOf, type Comparison } from './comparison.ts'
export { imagesOf } from './images.ts'
export { pageOf, type PageText } from './page.ts'
export { type About, readResults, type Regime, type Result } from './results.ts'
export {
  effectText,
  type Estimate,
  estimate,
  isClear,
  points,
  readSummary,
  summarize,
  type Summary,
} from './summary.ts'
export { type ArmJob, armProgram, machineOf, type Outcome } from './worker.ts'
