import type * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { assertArgument, type Trick } from '@tricks/core'
import { createModel, modelNames, type ModelName, type Models } from '@tricks/models'
import type { Model, Precision } from '@tricks/train'
import type { ProgressView } from './progress/view.ts'

/** The data that a recipe is used for, on which it may depend. */
export interface RecipeData {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly classes: number
  /** Number of training images, including those for validation. */
  readonly images: number
}

export interface RecipeContext {
  readonly data: RecipeData
  readonly seed: number
  /** Aborts loading a network. */
  readonly signal?: AbortSignal
  /** Shows the progress of waiting, such as for a download. */
  readonly view?: Pick<ProgressView, 'say' | 'status'>
  /** For a recipe with `teacher`: the trained model, which takes images as the pipeline produces them. */
  readonly teacher?: Pick<Model, 'apply'> & { readonly name?: string }
}

type Network = {
  [Name in ModelName]: {
    /** The name of a network in `@tricks/models`, or a function that creates one. */
    readonly model: Name
    /** The network's options; input shape, classes and seed come from the run. */
    readonly modelOptions?: Omit<NonNullable<Models[Name]>, 'inputShape' | 'classes' | 'seed'>
  }
}[ModelName]

interface OwnNetwork {
  readonly model: (context: RecipeContext) => LayersModel | Promise<LayersModel>
  readonly modelOptions?: never
}

/** How to train: a network, an optimizer, tricks and lengths. It applies to any data. */
export type Recipe = (Network | OwnNetwork) & {
  /** One line, for lists. */
  readonly what?: string
  /** Called for each run; its learning rate is the base for tricks. */
  readonly optimizer: () => tf.Optimizer
  /** A list, or a function of the data. */
  readonly tricks: readonly Trick[] | ((context: RecipeContext) => readonly Trick[])
  /** With `head` it may be 0, to fit only the last layer. */
  readonly epochs: number
  /** Images per step; fewer if the data has fewer. */
  readonly batchSize: number
  /** Copies of an image in a batch, each augmented separately; default 1. See `train`. */
  readonly repeats?: number
  /** Validation images, as a number or a fraction below 1 of the training images; default 0.1. 0 trains on all. */
  readonly validation?: number
  /** Default float32, which is also used if the processor doesn't support bfloat16. */
  readonly precision?: Precision
  /**
   * Normalisation of images in [0, 1], per channel, as a pretrained network expects it. By default measured on the
   * training images.
   */
  readonly normalization?: {
    readonly mean: readonly number[]
    readonly deviation: readonly number[]
  }
  /**
   * For a network with pretrained weights: its last layer is fitted to features of the images before the whole network
   * is trained.
   */
  readonly head?: HeadRecipe
  /** Height and width to which a folder's pictures are scaled; default 64. */
  readonly size?: number
  /**
   * Also keeps a folder's pictures larger, by this factor of height and width, for a trick that crops windows and
   * scales them to `size`: 1.5 with `randomResizedCrop({ size: [64, 64] })`, so that small windows stay sharp. Default
   * 1: not kept.
   */
  readonly larger?: number
  /** Prepares the new network, given about a thousand preprocessed training images. */
  readonly prepare?: (model: LayersModel, images: tf.Tensor4D) => Promise<void>
  /** The recipe of the teacher, which is trained first, for distillation. */
  readonly teacher?: Recipe
}

/** Lists of image tricks. */
export type Passes = readonly (readonly Trick[])[]

/** How a network's last layer is fitted. */
export interface HeadRecipe {
  /** Lists of image tricks: the features of each image are computed once per list; default one empty list. */
  readonly passes?: Passes | ((context: RecipeContext) => Passes)
  /** ε of label smoothing, if fine-tuning with smoothed targets follows; default 0. */
  readonly smoothing?: number
}

/**
 * Defines a recipe with type checking, and validates it, so that a mistake shows before data is read.
 *
 * @throws RangeError naming the invalid property
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
  const {
    model,
    optimizer,
    tricks,
    epochs,
    batchSize,
    repeats,
    validation,
    size,
    larger,
    prepare,
    teacher,
    head,
  } = recipe
  const positive = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0
  const expect = (valid: boolean, option: Record<string, unknown>, range: string): void =>
    assertArgument(valid, 'recipe', option, range)
  const known = typeof model === 'function' || modelNames.includes(model)
  expect(known, { model }, `a function, or one of ${modelNames.join(', ')}`)
  expect(typeof optimizer === 'function', { optimizer }, 'a function that returns an optimizer')
  const list = typeof tricks === 'function' || isTrickList(tricks)
  expect(list, { tricks }, 'a list of tricks, or a function that returns one')
  const nothing = head !== undefined && epochs === 0
  expect(positive(epochs) || nothing, { epochs }, 'a positive integer, or 0 with a head')
  expect(positive(batchSize), { batchSize }, 'a positive integer')
  expect(repeats === undefined || positive(repeats), { repeats }, 'a positive integer')
  const share = typeof validation === 'number' && validation >= 0 && validation < 1
  const count = validation === undefined || positive(validation) || share
  expect(count, { validation }, 'a number of images, or a fraction in [0, 1)')
  expect(size === undefined || positive(size), { size }, 'a positive integer')
  const times = larger === undefined || (typeof larger === 'number' && larger >= 1 && larger <= 8)
  expect(times, { larger }, 'a number in [1, 8]')
  expect(prepare === undefined || typeof prepare === 'function', { prepare }, 'a function')
  if (teacher !== undefined) defineRecipe(teacher)
  return recipe
}

const isTrickList = (tricks: unknown): boolean =>
  Array.isArray(tricks) &&
  tricks.every((trick) => typeof (trick as Partial<Trick> | null)?.name === 'string')

/**
 * Creates the recipe's tricks for a run.
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
 * Creates the recipe's network, with new or loaded weights.
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
 * const model = await modelOf(recipe, context)
 */
export async function modelOf(
  { model, modelOptions }: Recipe,
  context: RecipeContext,
): Promise<LayersModel> {
  if (typeof model === 'function') return model(context)
  const { height, width, channels, classes } = context.data
  const inputShape: [number, number, number] = [height, width, channels]
  return createModel(model, { ...modelOptions, inputShape, classes, seed: context.seed })
}

/**
 * Number of training images held out for validation.
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
