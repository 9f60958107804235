export { asInPipeline } from './alone.ts'
export {
  type Breach,
  checkTrick,
  type ConformanceOptions,
  type Law,
  laws,
  type Subject,
} from './check.ts'
export {
  expectClose,
  type Fixture,
  type Fixtures,
  type FixturesOf,
  fromFixture,
  fromFixtures,
  type Tolerance,
} from './fixture.ts'
export {
  evenly,
  expectCdf,
  expectFrequencies,
  expectIndependent,
  expectUniform,
  type Sample,
} from './statistics.ts'
export { lossesMatch, type LossFixture, lossOf } from './loss.ts'
export { optimizerConformance, type OptimizerOptions } from './optimizer.ts'
export { type OptimizerFixture, optimizerSteps, type SteppedOptimizer } from './optimizer-steps.ts'
export { conformance, onEachBackend } from './suite.ts'
