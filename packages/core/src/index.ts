export { combine, type Hooks, keyOf, type States } from './combine.ts'
export { during, oneOf, sometimes } from './combinators.ts'
export {
  compose,
  type Draws,
  type Pipeline,
  type PipelineOptions,
  type Traced,
  type When,
} from './compose.ts'
export { accuracy, oneHot, softmaxCrossEntropy } from './loss.ts'
export { assertNormalization } from './normalization.ts'
export { assertArgument } from './option.ts'
export { type PlanStage, type PlanTrick } from './plan.ts'
export { createRandom, type Random } from './random.ts'
export type { Stage } from './stages.ts'
export { type Duration, isDuration, isDue, stepsOf, type Time } from './time.ts'
export type * from './trick.ts'
