import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { machineOf } from '@tricks/ablation'
import { type Json, type Metrics, type Trick } from '@tricks/core'
import { keyOf } from '@tricks/core/run'
import { checkpointFolder, modelOf, type Recipe, type RecipeContext, tricksOf } from '@tricks/run'
import { type Precision, train, type TrainOptions, unsupportedReason } from '@tricks/train'
import { attemptsAt, type Job, newestCheckpoint, type Outcome, type Program } from '@tricks/trials'
import { recipeNamed } from '../recipes/index.ts'
import { type Bag, isKept, makeOptimizer, makeTrick, scheduledEntry } from './bag.ts'
import { type Fold, foldOf, openImages } from './images.ts'
import type { TuneSetup } from './setup.ts'
import { stopwatch, type WallClock } from './stopwatch.ts'

/** The configuration of a trial. */
export interface TuneConfig {
  readonly bag: Bag
  readonly setup: TuneSetup
  /** The images on which accuracy is measured. The search uses only those for validation, or those that a fold holds out. */
  readonly measured: 'validation' | 'test' | 'held'
  /** Epochs of a pause's falling rate; default a quarter of the budget, rounded, and at least 1. */
  readonly pause?: number
  /** The fold whose training images are used; default all. */
  readonly fold?: Fold
}

/** The result of a trial. */
export interface TuneMetrics {
  /** Null if the loss or a gradient became NaN or infinite. */
  readonly accuracy: number | null
  readonly loss: number | null
  /** Steps of the whole run so far. */
  readonly steps: number
  /** The kind of machine. */
  readonly on: string
  readonly wallClock: WallClock
}

/** Trains a configuration to its budget, continuing an earlier attempt or the previous rung. */
export const tuneProgram: Program = (job) => trainBag(job, 15)

/** @param seconds between two checkpoints */
export async function trainBag(job: Job, seconds: number): Promise<Outcome> {
  const config = job.trial.config as unknown as TuneConfig
  const elapsed = stopwatch()
  const training = await openTraining(job.trial, config)
  const metrics = await metricsOf(job, training, seconds)
  const whole: TuneMetrics = {
    ...metrics,
    on: machineOf(training.options.precision),
    wallClock: elapsed(),
  }
  // Other trials continue a part of a run, and use the network of a fold.
  const isUsed = job.trial.budget < config.setup.epochs || config.fold !== undefined
  return {
    metrics: whole as unknown as Json,
    ...(isUsed && metrics.accuracy !== null && { checkpoint: relative(job.storage, job.folder) }),
  }
}

/** A trial's run. */
export interface OpenTraining {
  /** The options of `train`, except those of an attempt. */
  readonly options: TrainOptions & { readonly precision: Precision; readonly batchSize: number }
  /** Epochs, with those of a pause. */
  readonly length: number
  /** Frees the model and the optimizer. */
  dispose(): void
}

/** Sets up the run of a trial. */
export async function openTraining(
  { seed, budget }: Pick<Job['trial'], 'seed' | 'budget'>,
  { bag, setup, measured, pause, fold }: TuneConfig,
): Promise<OpenTraining> {
  const images = await openImages(setup)
  const { train: own, held } =
    fold === undefined ? { train: images.train, held: undefined } : foldOf(images.train, fold, seed)
  const recipe = await recipeNamed(setup.recipe)
  const { height, width, channels, classes, labels } = own
  const data = { height, width, channels, classes: classes.length, images: labels.length }
  const context = { data, seed }
  const length = pausedLength(budget, setup.epochs, pause)
  const { precision } = setup
  const model = await modelOf(recipe, context)
  const optimizer = bag.optimizer ? makeOptimizer(bag.optimizer) : recipe.optimizer()
  return {
    options: {
      model,
      data: { train: own, test: measured === 'held' ? held! : images[measured] },
      tricks: [...bagTricks(bag, recipe, context), pauseAfter(budget, setup.epochs, length)],
      optimizer,
      epochs: setup.epochs,
      batchSize: Math.min(bag.batchSize, labels.length),
      validation: 0,
      seed,
      precision: unsupportedReason(precision) === undefined ? precision : 'float32',
    },
    length,
    dispose() {
      model.dispose()
      optimizer.dispose()
    },
  }
}

async function metricsOf(
  job: Job,
  { options, length, dispose }: OpenTraining,
  seconds: number,
): Promise<Pick<TuneMetrics, 'accuracy' | 'loss' | 'steps'>> {
  const { trial, signal } = job
  const { data, batchSize } = options
  const stepsPerEpoch = Math.ceil(data.train.labels.length / batchSize)
  const resume = (earlierAttempt(job) ?? earlierRung(job))?.checkpoint
  let steps = 0
  try {
    const result = await train({
      ...options,
      signal,
      checkpoint: {
        every: { epochs: trial.budget },
        seconds,
        save(checkpoint) {
          // The state that a longer run resumes from is kept apart from the epochs at a falling rate.
          const own =
            checkpoint.step > trial.budget * stepsPerEpoch
              ? join(job.folder, pauseFolder)
              : job.folder
          checkpointFolder(own, { keep: 1 }).save(checkpoint, false)
        },
      },
      ...(resume && { resume }),
      onProgress({ time: { step } }) {
        steps = step + 1
        job.progress(Math.min(1, steps / (length * stepsPerEpoch)))
      },
    })
    if (!result.test) throw new Error('stopped')
    return { ...(result.test satisfies Metrics), steps: result.steps }
  } catch (error) {
    // Further attempts would end the same way, so this counts as a result.
    if ((error as Error).name !== 'NonFiniteError') throw error
    return { accuracy: null, loss: null, steps }
  } finally {
    dispose()
  }
}

/** For the checkpoints of a pause. */
const pauseFolder = 'pause'

/** Where an earlier attempt at this trial was cut short. */
function earlierAttempt({ earlier }: Job): ReturnType<typeof newestCheckpoint> {
  const pauses = earlier
    .map((folder) => join(folder, pauseFolder))
    .filter((each) => existsSync(each))
  return newestCheckpoint([...pauses, ...earlier])
}

/**
 * The end of the previous rung. If its checkpoint was removed, the run is repeated from the beginning, with the same
 * result.
 */
function earlierRung({ trial, storage }: Job): ReturnType<typeof newestCheckpoint> {
  return trial.from === undefined ? undefined : newestCheckpoint(attemptsAt(storage, trial.from))
}

/** The tricks of a bag, with the recipe's tricks that are not varied. */
export function bagTricks(bag: Bag, recipe: Recipe, context: RecipeContext): Trick[] {
  const own = bag.tricks.some(isKept) ? tricksOf(recipe, context) : []
  return bag.tricks.flatMap((part) => {
    if (isKept(part)) return own.filter((trick) => keyOf(trick) === part.kept)
    const trick = makeTrick(part)
    // A longer run has a longer schedule, which resumes from the checkpoint of the shorter one.
    return part.name === scheduledEntry.name ? { ...trick, options: {} } : trick
  })
}

/**
 * The length of a run that pauses after some epochs, in which the rate falls to 0, as accuracy at a high rate is a poor
 * guide.
 */
export const pausedLength = (
  epochs: number,
  whole: number,
  pause = Math.max(1, Math.round(epochs / 4)),
): number => Math.min(whole, epochs + pause)

/**
 * Ends a run at a rung's budget: the rate falls to 0 in a few more epochs. The longer run resumes from the state before
 * them; the trick has no options, so that both count as the same run.
 */
function pauseAfter(epochs: number, whole: number, end: number): Trick {
  const isOver = epochs >= whole
  return {
    name: 'pause',
    options: {},
    learningRate(rate, { step, stepsPerEpoch }) {
      const past = step / stepsPerEpoch - epochs
      return isOver || past < 0 ? rate : rate * (1 - past / (end - epochs))
    },
    afterEpoch: ({ epoch }) => (epoch + 1 >= end ? { stop: 'paused' } : undefined),
  }
}
