export { type EstimatorOptions, type Tried, proposeConfiguration } from './estimate.ts'
export { type Issued, type Rung, nextRung, rungBudgets } from './halving.ts'
export {
  type Choices,
  type Configuration,
  type NumberRange,
  type Parameter,
  type Space,
  type Value,
  drawConfiguration,
} from './space.ts'
