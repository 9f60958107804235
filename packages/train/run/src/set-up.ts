import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import type { Trick } from '@tricks/core'
import { gradientAccumulation } from '@tricks/gradient-accumulation'
import { firstOf, type ImageSet, openData, type TrainingData } from '@tricks/train'
import type { RunOptions } from './options.ts'
import { modelOf, type Passes, type RecipeContext, tricksOf, validationOf } from './recipe.ts'

/** Everything that is created before a run starts. */
export interface Setup {
  readonly tricks: readonly Trick[]
  /** Passes over the images for the features to which the last layer is fitted. */
  readonly passes: Passes
  readonly model: LayersModel
  readonly optimizer: tf.Optimizer
  readonly training: ImageSet
  readonly batches: TrainingData
  readonly batchSize: number
  readonly validation: number
}

/**
 * Creates model, optimizer, tricks and training data of a run, without starting it.
 *
 * @throws Error if recipe, data and options are inconsistent
 * @example
 * const recipe = defineRecipe({
 *   model: 'plain',
 *   optimizer: () => tf.train.momentum(0.1, 0.9),
 *   tricks: [randomFlip()],
 *   epochs: 1,
 *   batchSize: 16,
 * })
 * const { model } = await setUp({ recipe, data: { name: 'noise', train: trainingImages }, folder: 'runs/noise' })
 */
export async function setUp(options: RunOptions): Promise<Setup> {
  const { recipe, data, seed = 0, teacher, microBatch, limit, epochs = recipe.epochs } = options
  const { signal, view } = options
  const training = limit === undefined ? data.train : firstOf(data.train, limit)
  if (training.targets)
    throw new Error(
      'run: expected one label per image, as its record counts them, got targets. Use train of @tricks/train.',
    )
  const images = training.labels.length
  const { height, width, channels } = training
  const facts = { height, width, channels, classes: training.classes.length, images }
  const context: RecipeContext = {
    data: facts,
    seed,
    ...(teacher && { teacher }),
    ...(signal && { signal }),
    ...(view && { view }),
  }
  const tricks = [
    ...(epochs === 0 ? [] : tricksOf(recipe, context)),
    ...(microBatch === undefined ? [] : [gradientAccumulation({ microBatch })]),
  ]
  const { passes = [[]] } = recipe.head ?? {}
  const validation = data.validation ? 0 : validationOf(recipe, images)
  const batchSize = Math.min(recipe.batchSize, images - validation)
  const batches = openData({
    train: training,
    validation: data.validation ?? validation,
    ...recipe.normalization,
    batchSize,
    epochs,
    seed,
    balanced: options.balance ?? false,
    repeats: recipe.repeats ?? 1,
    tricks,
  })
  const model = await modelOf(recipe, context)
  if (recipe.prepare) {
    const sample = sampleOf(training, data.validation ?? validation, batches.facts)
    await recipe.prepare(model, sample)
    sample.dispose()
  }
  return {
    tricks,
    passes: typeof passes === 'function' ? passes(context) : passes,
    model,
    optimizer: recipe.optimizer(),
    training,
    batches,
    batchSize,
    validation,
  }
}

/** About a thousand training images, normalised as the network will get them. */
function sampleOf(
  images: ImageSet,
  validation: number | ImageSet,
  { mean, deviation }: TrainingData['facts'],
): tf.Tensor4D {
  const data = openData({
    train: images,
    validation,
    mean,
    deviation,
    batchSize: 5000,
    epochs: 1,
    seed: 0,
  })
  return tf.tidy(() => tf.div(tf.sub(data.batch(0).images, mean), deviation))
}
