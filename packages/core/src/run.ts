// For a whole run: pipelines with all hooks, the combination of tricks into one, and when a task is due.
export { combine, type Hooks } from './combine.ts'
export { keyOf, type States } from './combine-batch.ts'
export { composeRun, type RunPipeline } from './compose-run.ts'
export { assertNormalization } from './normalization.ts'
export { isDue } from './time.ts'
