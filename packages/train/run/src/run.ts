import { cpus } from 'node:os'
import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { assertArgument, compose, type Trick } from '@tricks/core'
import { gradientAccumulation } from '@tricks/gradient-accumulation'
import {
  type Checkpoint,
  firstOf,
  imagesAt,
  type ImageSet,
  type NonFinite,
  openData,
  type Precision,
  type Progress,
  train,
  type TrainingData,
  type TrainResult,
  variablesOf,
} from '@tricks/train'
import * as v from 'valibot'
import { openRunFolder, readFacts, type RunFolder } from './folder.ts'
import { planLines } from './plan-lines.ts'
import { progressView } from './progress/progress.ts'
import type { ProgressView } from './progress/view.ts'
import { modelOf, type Recipe, type RecipeContext, tricksOf, validationOf } from './recipe.ts'
import { encodeBatch } from './record/batch.ts'
import { encodePredictions } from './record/predictions.ts'
import { checkSame, hashOf } from './record/same.ts'
import {
  type EpochLine,
  type RunFacts,
  type Settings,
  settingsSchema,
  type StepLine,
} from './record/schema.ts'
import { revisionOf } from './revision.ts'
import { stepSheet } from './sheet.ts'
import { openBoard } from './tensorboard/board.ts'

/** Labelled images, and what they are called in the record. */
export interface Dataset {
  /** What the record says of where they come from. */
  readonly name: string
  readonly train: ImageSet
  /** By default a part of the training images, as the recipe says. */
  readonly validation?: ImageSet
  /** Read once, at the end. */
  readonly test?: ImageSet
}

export interface RunOptions {
  readonly recipe: Recipe
  readonly data: Dataset
  /** The run's own folder: new, or with `resume` that of the run. */
  readonly folder: string
  /** Whole number in [0, 2^32), default 0. */
  readonly seed?: number
  /** In place of the recipe's. */
  readonly epochs?: number
  readonly precision?: Precision
  /** Train on so many of the images only. */
  readonly limit?: number
  /** Images that pass through the network at once, if a batch doesn't fit into memory. */
  readonly microBatch?: number
  /** What happens if a loss or a gradient is NaN or infinite; default 'stop'. */
  readonly nonFinite?: NonFinite
  /** For a recipe that distils. */
  readonly teacher?: RecipeContext['teacher']
  /** Continues the run in the folder, bit for bit; anything that differs is an error. */
  readonly resume?: boolean
  /** A resumed run may have other epochs than it began with: schedules follow the new length from there on. */
  readonly newLength?: boolean
  /** Steps between two checkpoints; by default an epoch, or a minute if that is less. */
  readonly saveEvery?: number
  /** Also writes what TensorBoard reads. A resumed run that has written it continues to. */
  readonly tensorboard?: boolean
  /** By default bars in a terminal, otherwise lines. */
  readonly view?: ProgressView
  readonly signal?: AbortSignal
  /** What is recorded besides: what sets the run up again, and the command that does. */
  readonly settings?: Settings
  readonly command?: string
}

/**
 * One run in one folder, from the recipe to the trained model: checkpoints, metrics, what the network saw and what it got
 * wrong are in the folder when it ends, however it ends. The backend has to be ready (`useBackend`).
 *
 * @returns what `train` returns
 * @throws Error if the folder can't be used, or if the recipe, the data and the options don't fit
 * @example
 * const recipe = defineRecipe({
 *   model: 'plain',
 *   optimizer: () => tf.train.momentum(0.1, 0.9),
 *   tricks: [randomFlip(), cosineDecay()],
 *   epochs: 1,
 *   batchSize: 16,
 * })
 * await run({ recipe, data: { name: 'noise', train: trainingImages }, folder: 'runs/noise' })
 */
export async function run(options: RunOptions): Promise<TrainResult> {
  const { folder: path, resume = false, view = progressView() } = options
  const earlier = resume ? readFacts(path) : undefined
  const folder = openRunFolder(path, { resume })
  try {
    const found = folder.checkpoints.latest()
    for (const { file, reason } of found?.passedOver ?? []) view.say(`Skipped ${file}: ${reason}`)
    const setup = await setUp(options)
    const facts = factsOf(options, setup)
    if (earlier) checkSame(path, earlier, facts)
    const from = found && fromCheckpoint(found.checkpoint, options, facts)
    introduce(view, facts, path, from)
    return await recorded(folder, facts, { earlier, from, view }, () =>
      trained(folder, options, { setup, facts, from, view }),
    )
  } finally {
    folder.close()
  }
}

/** The checkpoint, of a run with the length that is asked for now. */
function fromCheckpoint(
  checkpoint: Checkpoint,
  { newLength }: RunOptions,
  { epochs, stepsPerEpoch }: RunFacts,
): Checkpoint {
  if (!newLength) return checkpoint
  const done = checkpoint.step / stepsPerEpoch!
  assertArgument(epochs! >= done, 'run', { epochs }, `at least ${Math.ceil(done)}, which are done`)
  return { ...checkpoint, run: { ...checkpoint.run, epochs: epochs! } }
}

/** What is made before a run starts. */
interface Setup {
  readonly tricks: readonly Trick[]
  readonly model: LayersModel
  readonly optimizer: tf.Optimizer
  readonly training: ImageSet
  readonly batches: TrainingData
  readonly batchSize: number
  readonly validation: number
}

async function setUp(options: RunOptions): Promise<Setup> {
  const { recipe, data, seed = 0, teacher, microBatch, limit, epochs = recipe.epochs } = options
  const training = limit === undefined ? data.train : firstOf(data.train, limit)
  const images = training.labels.length
  const { height, width, channels } = training
  const facts = { height, width, channels, classes: training.classes.length, images }
  const context: RecipeContext = { data: facts, seed, ...(teacher && { teacher }) }
  const tricks = [
    ...tricksOf(recipe, context),
    ...(microBatch === undefined ? [] : [gradientAccumulation({ microBatch })]),
  ]
  const validation = data.validation ? 0 : validationOf(recipe, images)
  const batchSize = Math.min(recipe.batchSize, images - validation)
  const batches = openData({
    train: training,
    validation: data.validation ?? validation,
    batchSize,
    epochs,
    seed,
  })
  const model = modelOf(recipe, context)
  if (recipe.prepare) {
    const sample = sampleOf(training, data.validation ?? validation, batches.facts)
    await recipe.prepare(model, sample)
    sample.dispose()
  }
  return { tricks, model, optimizer: recipe.optimizer(), training, batches, batchSize, validation }
}

/** Some thousand training images, normalised as the network gets them. */
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

function factsOf(options: RunOptions, setup: Setup): RunFacts {
  const { recipe, data, epochs = recipe.epochs, settings, command } = options
  const { tricks, model, optimizer, training, batches, batchSize, validation } = setup
  const processors = cpus()
  return {
    state: 'running',
    ...(command !== undefined && { command }),
    // In the schema's order, so that a resumed run records the same text.
    ...(settings && { settings: v.parse(settingsSchema, settings) }),
    model: typeof recipe.model === 'string' ? recipe.model : model.name,
    parameters: model.countParams(),
    optimizer: { name: optimizer.getClassName(), ...optimizer.getConfig() },
    epochs,
    stepsPerEpoch: batches.stepsPerEpoch,
    steps: batches.stepsPerEpoch * epochs,
    batchSize,
    validation: data.validation?.labels.length ?? validation,
    seed: options.seed ?? 0,
    precision: options.precision ?? recipe.precision ?? 'float32',
    pipeline: compose(tricks).plan(),
    classes: [...training.classes],
    data: {
      from: data.name,
      height: training.height,
      width: training.width,
      channels: training.channels,
      trainingImages: training.labels.length,
      ...(data.validation && { validationImages: data.validation.labels.length }),
      testImages: data.test?.labels.length ?? 0,
      sha256: hashOf(training, ...(data.validation ? [data.validation] : [])),
    },
    backend: tf.getBackend(),
    revision: revisionOf(process.cwd()),
    versions: { node: process.version, tfjs: tf.version_core },
    hardware: `${processors[0]?.model ?? 'unknown processor'}, ${processors.length} cores`,
  }
}

function introduce(
  view: ProgressView,
  facts: RunFacts,
  path: string,
  from: Checkpoint | undefined,
): void {
  const { from: name = 'unnamed', trainingImages, testImages } = facts.data!
  const test = testImages! > 0 ? ` and ${testImages} test` : ''
  view.say(`Data       ${name}`)
  view.say(
    `           ${trainingImages} training${test} images of ${facts.classes!.length} classes`,
  )
  view.say(`Model      ${facts.model}, ${facts.parameters!.toLocaleString('en')} parameters`)
  view.say(`Tricks     ${planLines(facts.pipeline!).join('\n           ') || 'none'}`)
  view.say(`Run        ${path}${from ? `, resumed after ${from.step} steps` : ''}\n`)
  view.begin({ epochs: facts.epochs!, earlier: from?.epochs, from: from?.step })
  view.event({ kind: 'run', path, ...facts })
}

/** Does the work with run.json saying how it stands, whichever way it ends. */
async function recorded(
  folder: RunFolder,
  facts: RunFacts,
  about: { earlier: RunFacts | undefined; from: Checkpoint | undefined; view: ProgressView },
  work: () => Promise<TrainResult>,
): Promise<TrainResult> {
  const { earlier, from, view } = about
  const start = Date.now()
  const before = earlier?.wallClock
  const clock = {
    began: before?.began ?? new Date(start).toISOString(),
    ...(earlier && { resumed: [...(before?.resumed ?? []), { steps: from?.step ?? 0 }] }),
  }
  folder.describe({ ...facts, wallClock: clock })
  try {
    const result = await work()
    view.end()
    folder.describe({
      ...facts,
      state: result.stopped,
      skipped: result.skipped,
      ...(result.test && { test: result.test }),
      mean: [...result.mean],
      deviation: [...result.deviation],
      wallClock: {
        ...clock,
        seconds: (before?.seconds ?? 0) + (Date.now() - start) / 1000,
        // In kilobytes on every system.
        peakMemory: process.resourceUsage().maxRSS * 1024,
      },
    })
    return result
  } catch (error) {
    view.end()
    folder.describe({
      ...facts,
      state: 'failed',
      error: (error as Error).message,
      wallClock: clock,
    })
    throw error
  }
}

async function trained(
  folder: RunFolder,
  options: RunOptions,
  {
    setup,
    facts,
    from,
    view,
  }: {
    readonly setup: Setup
    readonly facts: RunFacts
    readonly from: Checkpoint | undefined
    readonly view: ProgressView
  },
): Promise<TrainResult> {
  const { data, seed = 0, recipe, epochs = recipe.epochs, saveEvery, nonFinite, signal } = options
  const { tricks, model, optimizer, training, batches, batchSize, validation } = setup
  const { classes } = training
  const { mean, deviation } = batches.facts
  if (from) folder.rewind(from.step)
  const board = await openBoard(folder.path, {
    wanted: options.tensorboard ?? false,
    after: from?.step ?? 0,
    configuration: facts,
    data: batches,
    tricks,
    seed,
    classes,
  })
  board?.watch(optimizer, variablesOf(model))
  try {
    await keepFirstBatch(folder, { ...setup, seed })
    const result = await train({
      model,
      data: {
        train: training,
        mean,
        deviation,
        ...(data.validation && { validation: data.validation }),
        ...(data.test && { test: data.test }),
      },
      tricks,
      optimizer,
      epochs,
      seed,
      batchSize,
      nonFinite,
      signal,
      ...(!data.validation && { validation }),
      precision: options.precision ?? recipe.precision,
      checkpoint: {
        every: saveEvery === undefined ? { epochs: 1 } : { steps: saveEvery },
        seconds: 60,
        async save(checkpoint, best) {
          await board?.checkpoint(checkpoint)
          folder.checkpoints.save(checkpoint, best)
        },
      },
      resume: from,
      onProgress(progress) {
        const line = lineOf(progress, process.memoryUsage().rss)
        view.show(progress)
        view.event(line)
        folder.record(line)
        board?.progress(progress)
      },
    })
    board?.result(result)
    await folder.saveModel(model, { ...result, classes })
    const { testLogits, validationLogits } = result
    if (testLogits && data.test)
      folder.keep('test.safetensors', encodePredictions(testLogits, data.test))
    if (validationLogits && batches.heldOut) {
      const { set, indices } = batches.heldOut
      const file = encodePredictions(validationLogits, imagesAt(set, indices))
      folder.keep('validation.safetensors', file)
    }
    return result
  } finally {
    board?.close()
    optimizer.dispose()
    model.dispose()
  }
}

/** Images of the first batch that the report shows. */
const shown = 12

/** Keeps what the network is shown in the first step. Draws come from the seed, so this changes nothing. */
async function keepFirstBatch(
  folder: RunFolder,
  { batches, tricks, training, batchSize, seed }: Setup & { readonly seed: number },
): Promise<void> {
  const show = Array.from({ length: Math.min(shown, batchSize) }, (_, i) => i)
  const { classes } = training
  const sheet = await stepSheet({
    data: batches,
    step: 0,
    tricks,
    seed,
    classes,
    show,
    rows: 'result',
  })
  folder.keep('batch.safetensors', encodeBatch(sheet, 0))
}

/** A report as it is recorded: what depends on the machine's speed is kept apart. */
function lineOf(progress: Progress, memory: number): StepLine | EpochLine {
  if (progress.kind === 'step') {
    const { time, imagesPerSecond, ...metrics } = progress
    return { steps: time.step + 1, ...metrics, wallClock: { imagesPerSecond } }
  }
  const { time, seconds, ...metrics } = progress
  return { steps: time.step, ...metrics, wallClock: { seconds, memory } }
}
