import * as tf from '@tensorflow/tfjs-core'
import {
  assertArgument,
  type End,
  type Metrics,
  type PipelineBatch,
  stepsOf,
  type Time,
} from '@tricks/core'
import { trainableOf } from '@tricks/core/model'
import {
  capture,
  type Checkpoint,
  checkCheckpointOptions,
  type CheckpointOptions,
  restore,
} from './checkpoint.ts'
import { drawsFor } from './data.ts'
import { keepOnDevice } from './device-images.ts'
import { factsOf } from './facts.ts'
import { type Evaluated, evaluate } from './evaluate.ts'
import { type Subset, allImages } from './image-set.ts'
import { trainingAdvice, withRoom } from './memory.ts'
import type { Measured, Measures } from './measures.ts'
import { Meter } from './meter.ts'
import { scoresOf } from './multi-label.ts'
import { takeExclusively } from './exclusive.ts'
import { rateOf, setRate } from './rate.ts'
import { checkSavable } from './optimizer-state.ts'
import { open, type RunOptions } from './run.ts'
import type { Precision } from '@tricks/kernels'
import { availablePrecision } from './precision.ts'
import type { EpochProgress, Progress } from './progress.ts'
import { type NonFinite, type Skips, Watch } from './non-finite.ts'
import { FittingStatistics } from './statistics.ts'
import { updateIfFinite, updateOn } from './step.ts'

export interface TrainOptions extends RunOptions {
  /** Called during training; `training` provides the same as an async iterable. */
  readonly onProgress?: (progress: Progress) => void
  /** When aborted, training ends after the current step. */
  readonly signal?: AbortSignal
  /**
   * Images per evaluation batch, which only affects memory and time; default 500, fewer for images larger than 32 × 32,
   * in proportion to their pixels, but at least the training batch size.
   */
  readonly evaluationBatchSize?: number
  /** Steps between reads of the losses, which limits how late a NaN is noticed; default 20. */
  readonly readEvery?: number
  /**
   * What to do if a loss or gradient is NaN or infinite: 'stop' (the default) ends the run with an error; 'skip' skips
   * the step, leaving variables, moving statistics, optimizer and tricks unchanged, and stops after 10 in a row or if
   * no step of an epoch is left. With 'skip' every step waits for the device, as it must be checked first. A stopped
   * run may resume with 'skip' from its last checkpoint.
   */
  readonly nonFinite?: NonFinite
  /** Makes checkpoints during training, and one when it is aborted. */
  readonly checkpoint?: CheckpointOptions
  /** Resumes the same run from a checkpoint, with bit-equal results. */
  readonly resume?: Checkpoint
}

export interface TrainResult {
  /** 'finished', 'aborted', or the reason of the trick that stopped it. */
  readonly stopped: string
  /** Number of steps, including skipped ones. */
  readonly steps: number
  /** Number of steps skipped because the loss or a gradient was NaN or infinite. */
  readonly skipped: number
  readonly epochs: readonly EpochProgress[]
  /** Absent without a test set, or if aborted. */
  readonly test?: Metrics
  /** The logits behind `test`, `[images, classes]`, row by row; present if `test` is. */
  readonly testLogits?: Float32Array
  /** The final logits of the validation images, if there are any; absent if aborted. */
  readonly validationLogits?: Float32Array
  /** Loss and accuracy of `validationLogits`; present if they are. */
  readonly validation?: Metrics
  readonly mean: readonly number[]
  readonly deviation: readonly number[]
  /** The requested one, or float32 if it was unavailable. */
  readonly precision: Precision
}

/**
 * Trains a model with tricks and evaluates it on the test set once, at the end.
 *
 * @throws Error for invalid data, model or options, before training; and if a loss or gradient becomes NaN or infinite,
 *   naming the first such step, its rate and the tricks
 * @example
 * const { test } = await train({
 *   model,
 *   data: await loadCifar10(),
 *   tricks: [randomFlip(), cutout({ length: 8 }), cosineDecay()],
 *   optimizer: tf.train.momentum(0.1, 0.9),
 *   epochs: 10,
 * })
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const run = training(options)
  try {
    for (;;) {
      const { done, value } = await run.next()
      if (done) return value
      options.onProgress?.(value)
    }
  } finally {
    // An error in `onProgress` ends the run too.
    await run.return(undefined as never)
  }
}

/**
 * `train` as an async iterable of its progress; leaving the loop ends training.
 *
 * @example
 * for await (const progress of training(options)) console.log(progress)
 */
export async function* training(
  options: TrainOptions,
): AsyncGenerator<Progress, TrainResult, void> {
  const { model, optimizer } = options
  rateOf(optimizer)
  const release = takeExclusively({ model, optimizer })
  try {
    return yield* trainingOf(options)
  } finally {
    release()
  }
}

async function* trainingOf(options: TrainOptions): AsyncGenerator<Progress, TrainResult, void> {
  const { model, data, optimizer, seed = 0, signal, readEvery = 20, checkpoint, resume } = options
  const { batchSize = 128, nonFinite = 'stop' } = options
  const often = Number.isInteger(readEvery) && readEvery >= 1
  assertArgument(often, 'train', { readEvery }, 'a positive integer')
  const { evaluationBatchSize: asked = 1 } = options
  const some = Number.isInteger(asked) && asked >= 1
  assertArgument(some, 'train', { evaluationBatchSize: asked }, 'a positive integer')
  const known = nonFinite === 'stop' || nonFinite === 'skip'
  assertArgument(known, 'train', { nonFinite }, "'stop' or 'skip'")
  if (checkpoint) {
    checkCheckpointOptions(checkpoint)
    await checkSavable(optimizer)
  }
  const run = open(options, resume !== undefined)
  const { pipeline, variables, baseRate } = run
  const precision = availablePrecision(options.precision)
  const { facts, heldOut, stepsPerEpoch } = run.data
  const { normalize, evaluation } = pipeline
  const { steps } = run.data.time(0)
  const { evaluationBatchSize = evaluatedAtOnce(facts, batchSize) } = options

  const { accuracy } = scoresOf(data.train)
  const parts = { model, variables, pipeline, optimizer, seed, precision, accuracy }
  const watch = new Watch(Object.keys(trainableOf(variables)), pipeline)
  const meter = new Meter(pipeline.observe, (measured, taken) => watch.check(measured, taken))
  const history: EpochProgress[] = []
  const clock = new Clock()
  const statistics = new FittingStatistics(options, run, () => clock.breathe())
  let stopped: string | undefined
  let rate = baseRate
  let step = 0
  let skips: Skips = { total: 0, consecutive: 0 }
  let ended = false
  /** Calls the tricks' `finish` once, at any end of the run. */
  const finish = (reason: End['reason']): void => {
    if (ended) return
    ended = true
    pipeline.finish({ reason, time: run.data.time(step), variables })
  }
  let began = performance.now()
  let saved = performance.now()

  const take = async (time: Time): Promise<Attempt> => {
    const raw = run.data.batch(time.step)
    let batch: PipelineBatch | undefined
    try {
      const draws = drawsFor(pipeline, raw, time)
      batch = pipeline.batch(raw.images, raw.targets, time, draws)
      const result =
        nonFinite === 'skip'
          ? await updateIfFinite(batch, parts)
          : { measures: updateOn(batch, parts) }
      return { size: raw.images.shape[0], ...result }
    } finally {
      const { images, targets, mixedTargets, prepared } = batch ?? {}
      tf.dispose([raw.images, raw.targets, { images, targets, mixedTargets }, prepared ?? {}])
    }
  }
  const stepWithRoom = <T>(work: () => Promise<T>): Promise<T> =>
    withRoom(`a step of ${batchSize} images`, trainingAdvice(batchSize), work)
  const judge = (set: Subset): Promise<Evaluated> =>
    withRoom(
      `evaluating ${Math.min(evaluationBatchSize, set.indices.length)} images at once`,
      'halve evaluationBatchSize until it fits',
      () =>
        evaluate(model, variables, normalize, evaluation, set, evaluationBatchSize, () =>
          statistics.at(step),
        ),
    )

  /** Sets the model's moving statistics to those that belong to its final weights. */
  const keepStatistics = async (): Promise<void> => {
    const weights = tf.tidy(() => evaluation.weights(variables))
    const averaged = Object.keys(weights).length > 0
    tf.dispose(weights)
    if (!averaged) return
    for (const [path, value] of Object.entries(await statistics.at(step)))
      variables[path]!.assign(value)
  }

  const release = keepOnDevice(data.train)
  try {
    await run.checkOutputs()
    const identity = checkpoint || resume ? await factsOf(options, run, precision) : {}
    if (resume) {
      await restore(resume, identity, options, run)
      meter.restore(resume.meter)
      history.push(...resume.epochs)
      skips = resume.skips ?? skips
      step = resume.step
    }
    while (step < steps && stopped === undefined) {
      const time = run.data.time(step)
      rate = pipeline.learningRate(baseRate, time)
      setRate(optimizer, rate)
      const { size, measures, skipped } = await clock.timed(() => stepWithRoom(() => take(time)))
      clock.images += size
      if (skipped) {
        skips = watch.skip(skips, skipped, { time, rate })
      } else {
        skips = { ...skips, consecutive: 0 }
        meter.take({ time, rate, size, measures: measures! })
        pipeline.afterStep(variables, time)
      }
      step++

      const epochEnds = step % stepsPerEpoch === 0
      const reports = step % readEvery === 0 || epochEnds
      const skippedSoFar = skips.total > 0 && { skipped: skips.total }
      if (meter.due(time) || reports) await clock.timed(() => stepWithRoom(() => meter.read(time)))
      if (reports && meter.reports)
        yield {
          kind: 'step',
          time,
          rate,
          ...meter.report(),
          imagesPerSecond: clock.rate(),
          ...skippedSoFar,
        }

      let best = false
      if (epochEnds) {
        const done = {
          epoch: step / stepsPerEpoch - 1,
          time: run.data.time(step),
          training: meter.epoch(),
          ...(heldOut && {
            validation: (await judge(heldOut)).metrics,
          }),
        }
        if (done.validation)
          watch.checkEvaluation('validation', done.validation.loss, { time, rate })
        best = bestOf(history) < (done.validation?.accuracy ?? 0)
        const verdict = pipeline.afterEpoch({ ...done, variables })
        const seconds = (performance.now() - began) / 1000
        history.push({ kind: 'epoch', ...done, rate, seconds, ...skippedSoFar })
        began = performance.now()
        yield history.at(-1)!
        stopped = verdict?.stop
      }

      await clock.breathe()
      if (signal?.aborted) stopped ??= 'aborted'
      if (checkpoint) {
        const { every = { epochs: 1 }, seconds = Infinity, save } = checkpoint
        const due = step % Math.max(1, stepsOf(every, time)) === 0
        const late = performance.now() - saved > seconds * 1000
        if (due || late || best || stopped === 'aborted') {
          await meter.read(time)
          const progress = { step, epochs: [...history], meter: meter.save(), skips }
          await save(await capture(identity, options, run, progress), best)
          saved = performance.now()
        }
      }
    }
    finish(stopped === undefined ? 'finished' : stopped === 'aborted' ? 'aborted' : 'stopped')
    if (stopped !== 'aborted') await keepStatistics()
    const last = { time: run.data.time(Math.max(0, step - 1)), rate }
    const judgeLast = async (name: string, set: Subset | undefined) => {
      const judged = set && stopped !== 'aborted' ? await judge(set) : undefined
      if (judged) watch.checkEvaluation(name, judged.metrics.loss, last)
      return judged
    }
    const tested = await judgeLast('test', data.test && allImages(data.test))
    const validated = await judgeLast('validation', heldOut)
    return {
      stopped: stopped ?? 'finished',
      steps: step,
      skipped: skips.total,
      epochs: history,
      ...(tested && { test: tested.metrics, testLogits: tested.logits }),
      ...(validated && { validation: validated.metrics, validationLogits: validated.logits }),
      mean: facts.mean,
      deviation: facts.deviation,
      precision,
    }
  } catch (error) {
    try {
      finish('failed')
    } catch {
      // The first error is the relevant one.
    }
    throw error
  } finally {
    // Leaving the loop over `training` early aborts the run.
    finish('aborted')
    release()
    meter.dispose()
    statistics.dispose()
    pipeline.dispose()
    setRate(optimizer, baseRate)
  }
}

/** Training takes more memory per image than evaluation does, so a training batch always fits. */
function evaluatedAtOnce(
  { height, width }: { readonly height: number; readonly width: number },
  batchSize: number,
): number {
  return Math.min(500, Math.max(batchSize, Math.floor((500 * 32 * 32) / (height * width))))
}

/** A step that was completed or skipped. */
interface Attempt {
  /** Images. */
  readonly size: number
  /** Absent if the step was skipped. */
  readonly measures?: Measures
  readonly skipped?: Measured
}

/** The best validation accuracy so far. */
const bestOf = (epochs: readonly EpochProgress[]): number =>
  Math.max(0, ...epochs.map(({ validation }) => validation?.accuracy ?? 0))

/** Measures training time, excluding time spent in `onProgress` callbacks. */
class Clock {
  images = 0
  private spent = 0
  private paused: number = performance.now()

  async timed<T>(work: () => Promise<T>): Promise<T> {
    const start = performance.now()
    const result = await work()
    this.spent += performance.now() - start
    return result
  }

  /** Images per second since the last call. */
  rate(): number {
    const rate = this.images / (this.spent / 1000)
    this.images = this.spent = 0
    return rate
  }

  /** Yields to signals, timers and the page, about twenty times per second. */
  async breathe(): Promise<void> {
    if (performance.now() - this.paused < 50) return
    await new Promise<void>((resolve) => {
      if (typeof setImmediate === 'function') setImmediate(resolve)
      else setTimeout(resolve)
    })
    this.paused = performance.now()
  }
}
