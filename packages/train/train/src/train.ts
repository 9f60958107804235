import * as tf from '@tensorflow/tfjs-core'
import { assertOption, type Epoch, type Metrics, type Time } from '@tricks/core'
import { wholeOf } from './data.ts'
import { evaluate } from './evaluate.ts'
import { Meter } from './meter.ts'
import { openRun, type RunOptions, setRate } from './run.ts'
import { updateOn } from './step.ts'

export interface TrainOptions extends RunOptions {
  /** Told as training goes; see `training` for an async iterable of the same. */
  readonly onProgress?: (progress: Progress) => void
  /** Aborted, training ends after the step that is under way. */
  readonly signal?: AbortSignal
  /** Steps between two reads of the losses, which is how late a NaN may be noticed; default 20. */
  readonly readEvery?: number
}

export interface StepProgress extends Metrics {
  readonly kind: 'step'
  /** The last step done. */
  readonly time: Time
  readonly rate: number
  /** Training alone, since the last report. */
  readonly imagesPerSecond: number
}

export interface EpochProgress extends Omit<Epoch, 'variables'> {
  readonly kind: 'epoch'
  readonly rate: number
  readonly seconds: number
}

export type Progress = StepProgress | EpochProgress

export interface TrainResult {
  /** 'finished', 'aborted', or a trick's reason. */
  readonly stopped: string
  /** Steps done. */
  readonly steps: number
  readonly epochs: readonly EpochProgress[]
  /** Absent without a test set, and when aborted. */
  readonly test?: Metrics
  readonly mean: readonly number[]
  readonly deviation: readonly number[]
}

/**
 * Trains a model with tricks, and looks at the test set once, when it is done.
 *
 * @throws Error for data, a model or options that don't fit, before anything is trained; and where a
 * loss becomes NaN or infinite, naming the first such step, its rate and the tricks
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
  for (;;) {
    const { done, value } = await run.next()
    if (done) return value
    options.onProgress?.(value)
  }
}

/**
 * `train` as an async iterable of its progress; leaving the loop ends the training.
 *
 * @example
 * for await (const progress of training(options)) console.log(progress)
 */
export async function* training(
  options: TrainOptions,
): AsyncGenerator<Progress, TrainResult, void> {
  const { model, data, optimizer, epochs, seed = 0, signal, readEvery = 20 } = options
  const often = Number.isInteger(readEvery) && readEvery >= 1
  assertOption(often, 'train', { readEvery }, 'a positive integer')
  const run = openRun(options)
  const { pipeline, variables, baseRate } = run
  const { facts, heldOut, stepsPerEpoch } = run.data
  const { normalize, evaluation } = pipeline

  const meter = new Meter(pipeline.observe ?? [], pipeline.tricks)
  const history: EpochProgress[] = []
  const clock = new Clock()
  let stopped: string | undefined
  let rate = baseRate
  let step = 0

  try {
    for (let epoch = 0; epoch < epochs && stopped === undefined; epoch++) {
      const began = performance.now()
      for (const last = step + stepsPerEpoch; step < last && stopped === undefined; step++) {
        const time = run.data.time(step)
        rate = pipeline.learningRate(baseRate, time)
        setRate(optimizer, rate)
        const taken = clock.timed(() => {
          const raw = run.data.batch(step)
          const size = raw.images.shape[0]
          const batch = pipeline.batch(raw.images, raw.targets, time)
          const metrics = updateOn(batch, { model, variables, pipeline, optimizer, seed })
          const { prepared, time: _, ...tensors } = batch
          tf.dispose([raw, tensors, prepared])
          return { time, rate, size, ...metrics }
        })
        meter.take(taken)
        clock.images += taken.size
        tf.tidy(() => pipeline.afterStep?.(variables, pipeline.step(time)))

        const ends = (step + 1) % readEvery === 0 || step + 1 === last
        if (meter.due(time) || ends || signal?.aborted) {
          const recent = (await clock.waited(() => meter.read()))!
          yield { kind: 'step', time, ...recent, imagesPerSecond: clock.rate() }
        }
        await clock.breathe()
        if (signal?.aborted) stopped = 'aborted'
      }
      if (stopped !== undefined) break

      const done = {
        epoch,
        time: run.data.time(step),
        training: meter.epoch(),
        ...(heldOut && {
          validation: await evaluate(model, variables, normalize, evaluation, heldOut),
        }),
      }
      let verdict: { readonly stop: string } | undefined
      tf.tidy(() => void (verdict = pipeline.afterEpoch?.({ ...done, variables })))
      const seconds = (performance.now() - began) / 1000
      history.push({ kind: 'epoch', ...done, rate, seconds })
      yield history.at(-1)!
      stopped = verdict?.stop ?? (signal?.aborted ? 'aborted' : undefined)
    }
    const test =
      data.test && stopped !== 'aborted'
        ? await evaluate(model, variables, normalize, evaluation, wholeOf(data.test))
        : undefined
    return {
      stopped: stopped ?? 'finished',
      steps: step,
      epochs: history,
      ...(test && { test }),
      mean: facts.mean,
      deviation: facts.deviation,
    }
  } finally {
    meter.dispose()
    setRate(optimizer, baseRate)
  }
}

/** Counts the time that training takes, without what whoever listens does meanwhile. */
class Clock {
  images = 0
  private spent = 0
  private paused: number = performance.now()

  timed<T>(work: () => T): T {
    const start = performance.now()
    const result = work()
    this.spent += performance.now() - start
    return result
  }

  async waited<T>(work: () => Promise<T>): Promise<T> {
    const start = performance.now()
    const result = await work()
    this.spent += performance.now() - start
    return result
  }

  /** Images a second since last asked. */
  rate(): number {
    const rate = this.images / (this.spent / 1000)
    this.images = this.spent = 0
    return rate
  }

  /** Lets signals, timers and the page have their turn, some twenty times a second. */
  async breathe(): Promise<void> {
    if (performance.now() - this.paused < 50) return
    await new Promise<void>((resolve) => {
      if (typeof setImmediate === 'function') setImmediate(resolve)
      else setTimeout(resolve)
    })
    this.paused = performance.now()
  }
}
