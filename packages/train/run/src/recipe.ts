import type * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { assertArgument, type Trick } from '@tricks/core'
import { createModel, modelNames, type ModelName, type Models } from '@tricks/models'
import type { Model, Precision } from '@tricks/train'

/** What a recipe may depend on: the data that it is used for. */
export interface RecipeData {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly classes: number
  /** Training images, those for validation included. */
  readonly images: number
}

export interface RecipeContext {
  readonly data: RecipeData
  readonly seed: number
  /** For a recipe with `teacher`: the trained model, which takes images as the pipeline makes them. */
  readonly teacher?: Pick<Model, 'apply'> & { readonly name?: string }
}

type Network = {
  [Name in ModelName]: {
    /** A network of `@tricks/models` by its name, or a function that makes one. */
    readonly model: Name
    /** The network's own options; input shape, classes and seed come from the run. */
    readonly modelOptions?: Omit<NonNullable<Models[Name]>, 'inputShape' | 'classes' | 'seed'>
  }
}[ModelName]

interface OwnNetwork {
  readonly model: (context: RecipeContext) => LayersModel
  readonly modelOptions?: never
}

/** How to train: a network, an optimizer, tricks and lengths, for any data. */
export type Recipe = (Network | OwnNetwork) & {
  /** In a line, for lists. */
  readonly what?: string
  /** Called for each run; its learning rate is the one that the tricks start from. */
  readonly optimizer: () => tf.Optimizer
  /** A list, or a function of the data if something depends on it. */
  readonly tricks: readonly Trick[] | ((context: RecipeContext) => readonly Trick[])
  readonly epochs: number
  /** Images per step; fewer if there are not as many. */
  readonly batchSize: number
  /** Of the training images, for validation: a number of them, or a share below 1; default a tenth. 0 trains on all. */
  readonly validation?: number
  /** Default float32; float32 too if the processor can't compute in bfloat16. */
  readonly precision?: Precision
  /** Height and width that the pictures of a folder are brought to; default 64. */
  readonly size?: number
  /** Done to the new network, with some thousand training images as it will get them. */
  readonly prepare?: (model: LayersModel, images: tf.Tensor4D) => Promise<void>
  /** The recipe by which a teacher is trained first, for distillation. */
  readonly teacher?: Recipe
}

/**
 * A recipe with the types that guide its author; checked, so that a mistake shows before data is read.
 *
 * @throws RangeError naming what is wrong
 * @example
 * export default defineRecipe({
 *   model: 'resnet-20',
 *   optimizer: () => tf.train.momentum(0.1, 0.9),
 *   tricks: [randomFlip(), cosineDecay()],
 *   epochs: 30,
 *   batchSize: 128,
 * })
 */
export function defineRecipe(recipe: Recipe): Recipe {
  const { model, optimizer, tricks, epochs, batchSize, validation, size, prepare, teacher } = recipe
  const positive = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0
  const expect = (valid: boolean, option: Record<string, unknown>, range: string): void =>
    assertArgument(valid, 'recipe', option, range)
  const known = typeof model === 'function' || modelNames.includes(model)
  expect(known, { model }, `a function, or one of ${modelNames.join(', ')}`)
  expect(typeof optimizer === 'function', { optimizer }, 'a function that returns an optimizer')
  const list = typeof tricks === 'function' || isTrickList(tricks)
  expect(list, { tricks }, 'a list of tricks, or a function that returns one')
  expect(positive(epochs), { epochs }, 'a positive integer')
  expect(positive(batchSize), { batchSize }, 'a positive integer')
  const share = typeof validation === 'number' && validation >= 0 && validation < 1
  const count = validation === undefined || positive(validation) || share
  expect(count, { validation }, 'a number of images, or a share in [0, 1)')
  expect(size === undefined || positive(size), { size }, 'a positive integer')
  expect(prepare === undefined || typeof prepare === 'function', { prepare }, 'a function')
  if (teacher !== undefined) defineRecipe(teacher)
  return recipe
}

const isTrickList = (tricks: unknown): boolean =>
  Array.isArray(tricks) &&
  tricks.every((trick) => typeof (trick as Partial<Trick> | null)?.name === 'string')

/**
 * The recipe's tricks for a run.
 *
 * @example
 * const recipe = defineRecipe({
 *   model: 'plain',
 *   optimizer: () => tf.train.momentum(0.05, 0.9),
 *   tricks: [cutout()],
 *   epochs: 2,
 *   batchSize: 16,
 * })
 * const context = { data: { height: 32, width: 32, channels: 3, classes: 10, images: 50_000 }, seed: 0 }
 * const tricks = tricksOf(recipe, context)
 */
export function tricksOf({ tricks }: Recipe, context: RecipeContext): readonly Trick[] {
  const list = typeof tricks === 'function' ? tricks(context) : tricks
  assertArgument(isTrickList(list), 'recipe', { tricks: list }, 'a list of tricks')
  return list
}

/**
 * The recipe's network, with new weights.
 *
 * @example
 * const recipe = defineRecipe({
 *   model: 'plain',
 *   optimizer: () => tf.train.momentum(0.05, 0.9),
 *   tricks: [cutout()],
 *   epochs: 2,
 *   batchSize: 16,
 * })
 * const context = { data: { height: 32, width: 32, channels: 3, classes: 10, images: 50_000 }, seed: 0 }
 * const model = modelOf(recipe, context)
 */
export function modelOf({ model, modelOptions }: Recipe, context: RecipeContext): LayersModel {
  if (typeof model === 'function') return model(context)
  const { height, width, channels, classes } = context.data
  const inputShape: [number, number, number] = [height, width, channels]
  return createModel(model, { ...modelOptions, inputShape, classes, seed: context.seed })
}

/**
 * How many of so many training images are kept for validation.
 *
 * @example
 * const recipe = defineRecipe({
 *   model: 'plain',
 *   optimizer: () => tf.train.momentum(0.05, 0.9),
 *   tricks: [cutout()],
 *   epochs: 2,
 *   batchSize: 16,
 * })
 * validationOf(recipe, 50_000) // 5000
 */
export function validationOf({ validation = 0.1 }: Recipe, images: number): number {
  return validation < 1
    ? Math.floor(validation * images)
    : Math.min(validation, Math.floor(images / 10))
}
