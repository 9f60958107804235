/** The stages of a run, by hook; `combine` has them in the order of the data flow. */
export type Stage =
  | 'start'
  | 'images'
  | 'mix'
  | 'targets'
  | 'prepare'
  | 'loss'
  | 'penalty'
  | 'learningRate'
  | RunStage

/** The stages of a whole run, which change gradients, weights, evaluation or the run's end. */
export type RunStage = (typeof runStages)[number]

export const runStages = [
  'gradients',
  'multipliers',
  'afterStep',
  'observe',
  'afterEpoch',
  'finish',
  'evaluation',
] as const
