import * as tf from '@tensorflow/tfjs-core'
import {
  assertArgument,
  compose,
  createRandom,
  type Pipeline,
  type Trick,
  type Variables,
} from '@tricks/core'
import { trainableOf, variablesOf } from '@tricks/core/model'
import { checkEvaluationSet } from './check-data.ts'
import { checkActivation, checkOutputs } from './check-model.ts'
import { findSuspect } from './check-contents.ts'
import { openData, type TrainingData, whole } from './data.ts'
import type { ImageSet } from './image-set.ts'
import type { Model } from './model.ts'
import { alignOptimizer } from './optimizer.ts'
import { rateOf } from './rate.ts'
import type { Precision } from '@tricks/kernels'

/** What a run is made of. */
export interface RunOptions {
  /** Gives logits: no softmax at its end. */
  readonly model: Model
  readonly data: {
    readonly train: ImageSet
    /** Evaluated after each epoch, in place of images kept apart from `train`; the option `validation` is then left out. */
    readonly validation?: ImageSet
    /** Read once, at the end. */
    readonly test?: ImageSet
    /** Of the images in [0, 1], per channel, in [0, 1]; by default measured on the training images. */
    readonly mean?: readonly number[]
    /** Of the images in [0, 1], per channel, in (0, 1]; by default measured, also if only `mean` is given. */
    readonly deviation?: readonly number[]
  }
  /** Default none. */
  readonly tricks?: readonly Trick[]
  /** tfjs's or `@tricks/adabound`; its learning rate is the rate that the tricks start from. */
  readonly optimizer: tf.Optimizer
  /** Whole, at least 1. */
  readonly epochs: number
  /** Default 128; an epoch's last batch may be smaller. */
  readonly batchSize?: number
  /** Whole number in [0, 2^32), default 0: the order, and all that tricks and layers draw. */
  readonly seed?: number
  /**
   * How many of the training images to keep apart for validation, by a fixed split in which each class has its share
   * and keeps an image to train on; default a tenth, or none with `data.validation`. 0 trains on all and turns selection (early stopping, plateau, the best) off.
   */
  readonly validation?: number
  /**
   * What the model's convolutions and matrix products are computed in while training, default 'float32'. With
   * 'bfloat16' the activations between them are kept in it too; weights, statistics, losses, updates and evaluation
   * stay in float32. Where backend or processor lack it, a warning says so and it is float32.
   */
  readonly precision?: Precision
}

/** A run that can begin: everything checked, the tricks composed and set up. */
export interface OpenRun {
  readonly pipeline: Pipeline
  readonly variables: Variables
  readonly data: TrainingData
  /** The optimizer's own learning rate, which the tricks start from. */
  readonly baseRate: number
  /** Starts the tricks anew, for another run on the same data. */
  start(): void
  /**
   * Rejects a model that gives probabilities without a softmax or a sigmoid at its end, such as the mean of several models.
   * It has to read outputs back, so it is not part of opening the run; `train` calls it.
   */
  checkOutputs(): Promise<void>
}

/**
 * Checks the options, composes the tricks and sets them up: what `train` begins with, for a loop of one's own
 * that is to see the same batches, draws and rates.
 *
 * @throws Error for data, a model or options that don't fit
 * @example
 * const { pipeline, data } = openRun({ model, data: { train: trainingImages }, tricks, optimizer, epochs: 10 })
 * const { images, targets } = data.batch(step)
 * const batch = pipeline.batch(images, targets, data.time(step))
 */
export const openRun = (options: RunOptions): OpenRun => open(options, false)

/** @param resumed whether a checkpoint will replace the optimizer's state */
export function open(options: RunOptions, resumed: boolean): OpenRun {
  const { model, tricks = [], optimizer, epochs, batchSize = 128, seed = 0 } = options
  checkOptions(options)
  const baseRate = rateOf(optimizer)
  const { train, test } = options.data
  const held = options.data.validation ?? options.validation
  const data = openData({ ...options.data, validation: held, batchSize, epochs, seed })
  const { size } = data.facts
  if (batchSize > size)
    throw new Error(
      `train: a batch of ${batchSize} is larger than the ${size} training images` +
        `${size < train.labels.length ? ` (${train.labels.length - size} are kept for validation)` : ''}: use a smaller batchSize`,
    )
  if (test) checkEvaluationSet('test', test, train)
  const suspect = findSuspect(train)
  if (suspect) console.warn(`train: ${suspect}`)
  const { mean, deviation } = data.facts
  const { stepsPerEpoch, steps } = data.time(0)
  const pipeline = compose(tricks, { seed, mean, deviation, stepsPerEpoch, steps })
  const variables = variablesOf(model)
  if (Object.keys(trainableOf(variables)).length === 0)
    throw new Error(
      `train: expected the model to have trainable variables, got ${Object.keys(variables).length} that are ` +
        `frozen. Set trainable = true on the layers to train, and on the models around them`,
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
}: RunOptions): void {
  const applies = typeof (model as Model | undefined)?.apply === 'function'
  assertArgument(applies, 'train', { model }, 'a tfjs-layers model, or { apply, variables }')
  createRandom(seed, 'train')
  assertArgument(whole(epochs), 'train', { epochs }, 'a positive integer')
  assertArgument(whole(batchSize), 'train', { batchSize }, 'a positive integer')
  const given = typeof data === 'object' && data !== null && 'train' in data
  assertArgument(given, 'train', { data }, '{ train, validation?, test?, mean?, deviation? }')
  if (data.validation && validation !== 0)
    throw new Error(
      `train: expected validation to be left out or 0, as data.validation is a set of its own, got ${validation}`,
    )
}
