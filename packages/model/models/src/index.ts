export { createModel, type ModelName, modelNames } from './create.ts'
export type { ModelOptions } from './network.ts'
export { plain, type PlainOptions } from './plain.ts'
