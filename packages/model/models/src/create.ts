import type { LayersModel } from '@tensorflow/tfjs-layers'
import { assertOption } from '@tricks/core'
import { plain } from './plain.ts'

const models = {
  plain,
} as const

/** The name of a model that `createModel` makes. */
export type ModelName = keyof typeof models

/** All names that `createModel` knows. */
export const modelNames: readonly ModelName[] = Object.keys(models) as ModelName[]

/**
 * Makes a model by its name.
 *
 * @param name one of `modelNames`
 * @param options those of every model (`ModelOptions`) and the model's own
 * @returns a tfjs-layers model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError for a name that is none, or if an option is out of its range
 * @example
 * const model = createModel('resnet-20', { classes: 100, seed: 1 })
 */
export function createModel<Name extends ModelName>(
  name: Name,
  options?: Parameters<(typeof models)[Name]>[0],
): LayersModel {
  assertOption(Object.hasOwn(models, name), 'createModel', { name }, modelNames.join(', '))
  return models[name](options)
}
