import * as tf from '@tensorflow/tfjs-core'
import {
  assertOption,
  compose,
  createRandom,
  type Epoch,
  type Metrics,
  type Time,
  type Trick,
} from '@tricks/core'
import {
  batchOf,
  checkImageSet,
  type ImageSet,
  splitValidation,
  statisticsOf,
  wholeOf,
} from './data.ts'
import { evaluate } from './evaluate.ts'
import { Meter } from './meter.ts'
import { type Model, variablesOf } from './model.ts'
import { updateOn } from './step.ts'

export interface TrainOptions {
  /** Gives logits: no softmax at its end. */
  readonly model: Model
  readonly data: {
    readonly train: ImageSet
    /** Read once, at the end. */
    readonly test?: ImageSet
    /** Of the images in [0, 1], per channel; by default measured on the training images. */
    readonly mean?: readonly number[]
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
   * How many of the training images to keep apart for validation, by a fixed split; default a tenth.
   * 0 trains on all and turns selection (early stopping, plateau, the best) off.
   */
  readonly validation?: number
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
  const { model, data, tricks = [], optimizer, epochs, batchSize = 128, seed = 0, signal } = options
  const { validation = Math.floor(data.train.labels.length / 10), readEvery = 20 } = options
  checkOptions(options, validation)

  const [fitted, heldOut] = splitValidation(data.train, validation)
  const { train: set } = data
  const size = fitted.indices.length
  const stepsPerEpoch = Math.ceil(size / batchSize)
  const steps = stepsPerEpoch * epochs
  const timeOf = (step: number): Time => ({ step, stepsPerEpoch, steps })

  const measured = data.mean && data.deviation ? undefined : statisticsOf(fitted)
  const mean = data.mean ?? measured!.mean
  const deviation = data.deviation ?? measured!.deviation
  const pipeline = compose(tricks, { seed, mean, deviation, stepsPerEpoch, steps })
  const variables = variablesOf(model)
  const { height, width, channels } = set
  const classes = set.classes.length
  const facts = { size, height, width, channels, classes, mean, deviation }
  tf.tidy(() => pipeline.setup({ variables, data: facts, batchSize, time: timeOf(0) }))

  const base = rateOf(optimizer)
  const meter = new Meter(pipeline.observe ?? [], tricks)
  const history: EpochProgress[] = []
  const clock = new Clock()
  let stopped: string | undefined
  let rate = base
  let step = 0

  try {
    for (let epoch = 0; epoch < epochs && stopped === undefined; epoch++) {
      const began = performance.now()
      const order = createRandom(seed).fork('order').at(epoch).permutation(size)
      for (let from = 0; from < size && stopped === undefined; from += batchSize, step++) {
        const time = timeOf(step)
        rate = pipeline.learningRate(base, time)
        setRate(optimizer, rate)
        const taken = clock.timed(() => {
          const raw = batchOf(fitted, order, from, Math.min(size, from + batchSize))
          const batch = pipeline.batch(raw.images, raw.targets, time)
          const metrics = updateOn(batch, { model, variables, pipeline, optimizer, seed })
          const { prepared, time: _, ...tensors } = batch
          tf.dispose([raw, tensors, prepared])
          return { time, rate, size: Math.min(size - from, batchSize), ...metrics }
        })
        meter.take(taken)
        clock.images += taken.size
        tf.tidy(() => pipeline.afterStep?.(variables, pipeline.step(time)))

        const last = from + batchSize >= size
        if (meter.due(time) || last || (step + 1) % readEvery === 0 || signal?.aborted) {
          const recent = (await clock.waited(() => meter.read()))!
          yield { kind: 'step', time, ...recent, imagesPerSecond: clock.rate() }
        }
        await clock.breathe()
        if (signal?.aborted) stopped = 'aborted'
      }
      if (stopped !== undefined) break

      const { normalize, evaluation } = pipeline
      const done = {
        epoch,
        time: timeOf(step),
        training: meter.epoch(),
        ...(validation > 0 && {
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
        ? await evaluate(
            model,
            variables,
            pipeline.normalize,
            pipeline.evaluation,
            wholeOf(data.test),
          )
        : undefined
    return {
      stopped: stopped ?? 'finished',
      steps: step,
      epochs: history,
      ...(test && { test }),
      mean,
      deviation,
    }
  } finally {
    meter.dispose()
    setRate(optimizer, base)
  }
}

const whole = (value: number): boolean => Number.isInteger(value) && value >= 1

function checkOptions(
  { model, data, epochs, batchSize = 128, readEvery = 20 }: TrainOptions,
  validation: number,
): void {
  assertOption(whole(epochs), 'train', { epochs }, 'a positive integer')
  assertOption(whole(batchSize), 'train', { batchSize }, 'a positive integer')
  assertOption(whole(readEvery), 'train', { readEvery }, 'a positive integer')
  checkImageSet('training', data.train)
  const size = data.train.labels.length
  assertOption(
    Number.isInteger(validation) && validation >= 0 && validation < size,
    'train',
    { validation },
    `a whole number of the ${size} training images, less than all`,
  )
  if (batchSize > size - validation)
    throw new Error(
      `train: a batch of ${batchSize} is larger than the ${size - validation} training images` +
        `${validation > 0 ? ` (${validation} are kept for validation)` : ''}: use a smaller batchSize`,
    )
  if (data.test) {
    checkImageSet('test', data.test)
    for (const fact of ['height', 'width', 'channels'] as const)
      if (data.test[fact] !== data.train[fact])
        throw new Error(
          `train: the test images' ${fact} is ${data.test[fact]}, the training images' ${data.train[fact]}`,
        )
    if (data.test.classes.join() !== data.train.classes.join())
      throw new Error('train: the test set has other classes than the training set')
  }
  const activation = (
    model.layers?.at(-1) as { getConfig?(): { activation?: unknown } } | undefined
  )?.getConfig?.().activation
  if (activation === 'softmax')
    throw new Error(
      'train: the model ends in a softmax, but the losses take logits: leave the activation out',
    )
}

/** The optimizer's learning rate: a protected field of every tfjs optimizer, which no other way gives. */
interface Rated {
  learningRate: number
  setLearningRate?(rate: number): void
}

function rateOf(optimizer: tf.Optimizer): number {
  const rate = (optimizer as unknown as Rated).learningRate
  if (typeof rate !== 'number')
    throw new Error(`train: the optimizer ${optimizer.getClassName()} has no learningRate`)
  return rate
}

function setRate(optimizer: tf.Optimizer, rate: number): void {
  const rated = optimizer as unknown as Rated
  // SGD and momentum hold the rate in a tensor that their setter renews.
  if (rated.setLearningRate) rated.setLearningRate(rate)
  else rated.learningRate = rate
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
