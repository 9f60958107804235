export { type EstimatorOptions, type Tried, proposeConfiguration } from './estimate.ts'
export { type Issued, type Rung, nextRung, rungBudgets } from './halving.ts'
export { searchRange } from './range.ts'
export { type Given, historyOf, nextTraining, type SearchOptions, type Training } from './search.ts'
export {
  type Choices,
  type Configuration,
  type NumberRange,
  type Parameter,
  type Space,
  type Value,
  checkSpace,
  configure,
  drawConfiguration,
  drawValue,
  isChoice,
} from './space.ts'
