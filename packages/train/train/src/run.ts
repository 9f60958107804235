import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, createRandom, type Trick, type Variables } from '@tricks/core'
import { composeRun, type RunPipeline } from '@tricks/core/run'
import { trainableOf, variablesOf } from '@tricks/core/model'
import { checkEvaluationSet } from './check-data.ts'
import { checkActivation, checkOutputs } from './check-model.ts'
import { findSuspect } from './check-contents.ts'
import { isLength, openData, type TrainingData, whole } from './data.ts'
import type { ImageSet } from './image-set.ts'
import type { Model } from './model.ts'
import { checkLoss } from './multi-label.ts'
import { alignOptimizer } from './optimizer.ts'
import { rateOf } from './rate.ts'
import type { Precision } from '@tricks/kernels'

/** The inputs of a run. */
export interface RunOptions {
  /** Returns logits, without a softmax at the end. */
  readonly model: Model
  readonly data: {
    readonly train: ImageSet
    /** Evaluated after each epoch, instead of images held out from `train`; omit the option `validation` then. */
    readonly validation?: ImageSet
    /** Read once, at the end. */
    readonly test?: ImageSet
    /** The mean per channel of images in [0, 1], in [0, 1]; by default measured on the training images. */
    readonly mean?: readonly number[]
    /**
     * The standard deviation per channel of images in [0, 1], in (0, 1]; by default measured, even if only `mean` is
     * given.
     */
    readonly deviation?: readonly number[]
  }
  /** Default none. */
  readonly tricks?: readonly Trick[]
  /** From tfjs or `@tricks/adabound`; its learning rate is the base for tricks. */
  readonly optimizer: tf.Optimizer
  /** An integer of at least 0. 0 only evaluates the model. */
  readonly epochs: number
  /** Default 128; an epoch's last batch may be smaller. */
  readonly batchSize?: number
  /** Whole number in [0, 2^32), default 0; determines the image order and all draws of tricks and layers. */
  readonly seed?: number
  /**
   * Number of training images to hold out for validation, by a fixed stratified split in which each class keeps an
   * image for training; default a tenth, or none with `data.validation`. 0 trains on all images and disables selection
   * (early stopping, plateau, best checkpoint).
   */
  readonly validation?: number
  /** Use all classes equally often, regardless of their numbers of images; default false: each image once per epoch. */
  readonly balanced?: boolean
  /**
   * Copies of an image in a batch, one after another, each augmented with its own draws; default 1. An epoch has as many
   * steps as without copies, so it uses a random part of the images.
   */
  readonly repeats?: number
  /**
   * Precision of the model's convolutions and matrix products in training, default 'float32'. With 'bfloat16',
   * activations between them use it too; weights, statistics, losses, updates and evaluation stay in float32. If
   * unavailable on the backend or processor, float32 is used with a warning.
   */
  readonly precision?: Precision
}

/** A run that is ready to start: validated, with the tricks composed and set up. */
export interface OpenRun {
  readonly pipeline: RunPipeline
  readonly variables: Variables
  readonly data: TrainingData
  /** The optimizer's own learning rate, the base for tricks. */
  readonly baseRate: number
  /** Resets the tricks for another run on the same data. */
  start(): void
  /**
   * Rejects a model that returns probabilities without a final softmax or sigmoid, such as the mean of several models.
   * Reads outputs back, so it is not part of opening the run; `train` calls it.
   */
  checkOutputs(): Promise<void>
}

/**
 * Validates the options, composes the tricks and sets them up, as `train` does first. Use it in your own loop to get
 * the same batches, draws and rates.
 *
 * @throws Error for invalid data, model or options
 * @example
 * const { pipeline, data } = openRun({ model, data: { train: trainingImages }, tricks, optimizer, epochs: 10 })
 * const raw = data.batch(step)
 * const draws = drawsFor(pipeline, raw, data.time(step))
 * const batch = pipeline.batch(raw.images, raw.targets, data.time(step), draws)
 */
export const openRun = (options: RunOptions): OpenRun => open(options, false)

/** @param resumed whether a checkpoint will replace the optimizer's state */
export function open(options: RunOptions, resumed: boolean): OpenRun {
  const { model, tricks = [], optimizer, epochs, batchSize = 128, seed = 0 } = options
  const { balanced = false, repeats = 1 } = options
  checkOptions(options)
  const baseRate = rateOf(optimizer)
  const { train, test } = options.data
  const held = options.data.validation ?? options.validation
  const data = openData({
    ...options.data,
    validation: held,
    batchSize,
    epochs,
    seed,
    balanced,
    repeats,
    tricks,
  })
  const { size } = data.facts
  if (batchSize > size)
    throw new Error(
      `train: expected batchSize to be at most ${size}, the number of training images, got ${batchSize}` +
        (size < train.labels.length
          ? ` (${train.labels.length - size} more are held out for validation)`
          : ''),
    )
  if (test) checkEvaluationSet('test', test, train)
  checkLoss(train, tricks)
  const suspect = findSuspect(train)
  if (suspect) console.warn(`train: ${suspect}`)
  const { mean, deviation } = data.facts
  const { stepsPerEpoch, steps } = data.time(0)
  const pipeline = composeRun(tricks, { seed, mean, deviation, stepsPerEpoch, steps })
  const variables = variablesOf(model)
  if (Object.keys(trainableOf(variables)).length === 0)
    throw new Error(
      `train: expected the model to have trainable variables, got ${Object.keys(variables).length} that are ` +
        `frozen. Set trainable = true on the layers to train, and on the models that contain them`,
    )
  checkActivation(model, train)
  if (!resumed) alignOptimizer(optimizer, variables)
  const start = (): void =>
    pipeline.start({ variables, data: data.facts, batchSize, time: data.time(0) })
  start()
  const check = (): Promise<void> => checkOutputs(model, train, batchSize, pipeline.normalize)
  return { pipeline, variables, data, baseRate, start, checkOutputs: check }
}

function checkOptions({
  model,
  data,
  epochs,
  batchSize = 128,
  seed = 0,
  validation = 0,
  repeats = 1,
}: RunOptions): void {
  const applies = typeof (model as Model | undefined)?.apply === 'function'
  assertArgument(applies, 'train', { model }, 'a tfjs-layers model, or { apply, variables }')
  createRandom(seed, 'train')
  assertArgument(isLength(epochs), 'train', { epochs }, 'an integer of at least 0')
  assertArgument(whole(batchSize), 'train', { batchSize }, 'a positive integer')
  assertArgument(whole(repeats), 'train', { repeats }, 'a positive integer')
  const given = typeof data === 'object' && data !== null && 'train' in data
  assertArgument(given, 'train', { data }, '{ train, validation?, test?, mean?, deviation? }')
  if (data.validation && validation !== 0)
    throw new Error(
      `train: expected validation to be 0 or absent, as data.validation is given, got ${validation}`,
    )
}
