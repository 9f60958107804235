export {
  chooseBy,
  type Controller,
  createController,
  improve,
  policyOfChoices,
  type PpoOptions,
  type Rewarded,
} from './controller.ts'
export {
  densityOperations,
  densityReward,
  densitySpace,
  mergePolicies,
  policyOf,
  randomPolicy,
  type Reward,
} from './density.ts'
export { pictureOf, pictureOfPolicy } from './picture.ts'
export {
  drawPopulationPolicy,
  explorePolicy,
  firstPolicies,
  type Heir,
  type Member,
  nextGeneration,
  populationOperations,
  type PopulationPolicy,
  type PopulationStep,
} from './population.ts'
export {
  type PolicySchedule,
  scheduledAugment,
  scheduledAugmentBatch,
  type ScheduledAugmentOptions,
  scheduledAugmentOptions,
  type ScheduledPolicy,
} from './schedule.ts'
