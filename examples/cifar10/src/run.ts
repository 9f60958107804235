import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { type BackendName, useBackend } from '@tricks/backend'
import { loadCifar10, readCifar10, readCifar100 } from '@tricks/cifar10'
import { compose } from '@tricks/core'
import { gradientAccumulation } from '@tricks/gradient-accumulation'
import { createModel, type ModelName } from '@tricks/models'
import { planLines } from '@tricks/report'
import {
  type ImageSet,
  type NonFinite,
  openData,
  type Precision,
  type Progress,
  train,
  type TrainResult,
  variablesOf,
} from '@tricks/train'
import { openBoard } from './board.ts'
import { type EarlierRun, readRun } from './earlier.ts'
import {
  duration,
  percent,
  type ProgressMode,
  type ProgressView,
  progressView,
} from './progress.ts'
import { quickRecipe, recipeOf } from './recipes.ts'
import { revisionOf } from './revision.ts'
import { keepBatch, keepTest, writeReport } from './report.ts'
import { openRunFolder } from './run-folder.ts'
import { firstOf } from './subset.ts'
import { hasModel, loadTeacher } from './teacher.ts'

/** What a run is: with these alone it can be done again. */
export interface RunFlags {
  readonly recipe: string
  readonly seed: number
  readonly model?: ModelName
  readonly epochs?: number
  readonly backend?: BackendName
  readonly data?: string
  readonly limit?: number
  /** The run to distil from, for recipes that want a teacher; trained first where it isn't there. */
  readonly teacher?: string
  /** Images that pass through the model at once, where a batch does not fit into memory. */
  readonly microBatch?: number
  /** What to do where a loss or a gradient is NaN or infinite. */
  readonly nonFinite?: NonFinite
  /** Another than the recipe's. */
  readonly precision?: Precision
}

export interface RunOptions extends Omit<RunFlags, 'recipe'> {
  /** Default: the one that takes a few minutes on the backend. */
  readonly recipe?: string
  readonly out?: string
  /** Steps between two checkpoints; default an epoch, and a minute at most. */
  readonly saveEvery?: number
  /** The folder of a run that is to go on; what it is stands in its run.json. */
  readonly resume?: string
  /** Default bars in a terminal, else lines. */
  readonly progress?: ProgressMode
  /** Also write what TensorBoard reads; a run that has begun to goes on. */
  readonly tensorboard?: boolean
  readonly signal: AbortSignal
}

/** The whole run: backend, data, model, training, the report. */
export async function run({
  resume,
  out,
  saveEvery,
  progress: mode,
  tensorboard = false,
  signal,
  ...given
}: RunOptions): Promise<TrainResult> {
  const view = progressView({ mode })
  const earlier = resume === undefined ? undefined : readRun(fromUser(resume))
  const {
    name: backend,
    why,
    passedOver,
  } = await useBackend(earlier ? earlier.flags.backend : given.backend)
  const flags = earlier
    ? flagsOf(earlier, given)
    : { ...given, recipe: given.recipe ?? quickRecipe(backend) }
  const { seed, limit } = flags
  const recipe = recipeOf(flags.recipe)
  const epochs = flags.epochs ?? recipe.epochs
  const modelName = flags.model ?? recipe.model
  const began = new Date()

  const teacherFolder = fromUser(flags.teacher ?? join('runs', 'teacher'))
  if (recipe.needsTeacher && !hasModel(teacherFolder)) {
    // Where it would be trained stands in a file, which may be somebody else's: no place to write to.
    if (earlier)
      throw new Error(
        `--resume: the run learns from a teacher, and ${teacherFolder} holds none any more: bring it back`,
      )
    view.say(`This recipe wants a teacher, and ${teacherFolder} holds none: training it first.\n`)
    const { data } = flags
    const own = { recipe: 'teacher', seed, backend, data, limit, signal, progress: mode }
    const begun = existsSync(join(teacherFolder, 'run.json'))
    const taught = await run({
      ...own,
      ...(begun ? { resume: teacherFolder } : { out: teacherFolder }),
    })
    if (taught.stopped === 'aborted') return taught
    view.say('')
  }
  const place = resume ?? out ?? join('runs', began.toISOString().replaceAll(':', '-').slice(0, 19))
  const folder = openRunFolder(fromUser(place), { resume: resume !== undefined })
  const found = folder.checkpoints.latest()
  for (const { file, reason } of found?.passedOver ?? []) view.say(`Passed over ${file}: ${reason}`)

  view.say(`Backend    ${backend}: ${why}`)
  for (const { name, reason } of passedOver) view.say(`           not ${name}: ${reason}`)

  const teacher = recipe.needsTeacher ? await loadTeacher(teacherFolder) : undefined
  const tricks = [
    ...recipe.tricks(teacher),
    ...(flags.microBatch === undefined ? [] : [gradientAccumulation(flags)]),
  ]
  const data = await loadData(flags.data, signal, view)
  const training = limit === undefined ? data.train : firstOf(data.train, limit)
  const model = createModel(modelName, {
    ...(flags.model === undefined && recipe.modelOptions),
    seed,
    classes: training.classes.length,
  })
  view.say(
    `Data       ${training.labels.length} training and ${data.test.labels.length} test images`,
  )
  view.say(`Model      ${modelName}, ${model.countParams().toLocaleString('en')} parameters`)
  const plan = compose(tricks).plan()
  view.say(`Tricks     ${planLines(plan).join('\n           ')}`)
  view.say(
    `Run        ${folder.path}${found ? `, going on after ${found.checkpoint.step} steps` : ''}\n`,
  )

  const images = training.labels.length
  const batchSize = Math.min(recipe.batchSize, images)
  const validation = Math.min(recipe.validation, Math.floor(images / 10))
  // Once: it goes through all images for their mean and deviation.
  const batches = openData({ train: training, validation, batchSize, epochs, seed })
  const { mean, deviation } = batches.facts
  const { stepsPerEpoch } = batches
  const precision = flags.precision ?? recipe.precision
  if (recipe.prepare && flags.model === undefined) {
    const sample = sampleOf({ train: training, mean, deviation, validation })
    await recipe.prepare(model, sample)
    sample.dispose()
  }
  const configuration = {
    command: commandOf({ ...flags, backend }),
    flags,
    model: modelName,
    parameters: model.countParams(),
    epochs,
    stepsPerEpoch,
    steps: stepsPerEpoch * epochs,
    batchSize,
    validation,
    precision,
    pipeline: plan,
    classes: training.classes,
    tricks: tricks.map(({ name, options }) => ({ name, options })),
    data: {
      from: flags.data ?? 'embedded CIFAR-10 (JPEG re-encoding)',
      trainingImages: images,
      sha256: hashOf(training),
    },
    backend,
    revision: revisionOf(),
    versions: { node: process.version, tfjs: tf.version_core },
    hardware: `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores`,
  }
  checkSame(earlier, configuration)
  if (found) folder.rewind(found.checkpoint.step)
  const wallClock = wallClockOf(earlier, began, found?.checkpoint.step ?? 0)
  folder.describe({ ...configuration, state: 'running', wallClock })

  const board = await openBoard(folder.path, {
    wanted: tensorboard,
    after: found?.checkpoint.step ?? 0,
    configuration,
    data: batches,
    tricks,
    seed,
    classes: training.classes,
  })

  const optimizer = recipe.optimizer()
  board?.watch(optimizer, variablesOf(model))

  view.begin({ epochs, earlier: found?.checkpoint.epochs, from: found?.checkpoint.step })
  view.event({ kind: 'run', path: folder.path, ...configuration })
  try {
    await keepBatch(folder, { data: batches, tricks, seed, batchSize, classes: training.classes })
    const result = await train({
      model,
      data: { train: training, test: data.test, mean, deviation },
      tricks,
      optimizer,
      epochs,
      seed,
      batchSize,
      validation,
      nonFinite: flags.nonFinite,
      precision,
      signal,
      checkpoint: {
        every: saveEvery === undefined ? { epochs: 1 } : { steps: saveEvery },
        seconds: 60,
        async save(checkpoint, best) {
          await board?.checkpoint(checkpoint)
          folder.checkpoints.save(checkpoint, best)
        },
      },
      resume: found?.checkpoint,
      onProgress(progress) {
        const line = lineOf(progress, process.memoryUsage().rss)
        view.show(progress)
        view.event(line)
        folder.record(line)
        board?.progress(progress)
      },
    })
    view.end()
    board?.result(result)
    await folder.saveModel(model, result)
    keepTest(folder, result, data.test)
    const seconds = (Date.now() - began.getTime()) / 1000
    folder.describe({
      ...configuration,
      state: result.stopped,
      skipped: result.skipped,
      test: result.test,
      mean: result.mean,
      deviation: result.deviation,
      epochs: result.epochs.map((epoch) => lineOf(epoch)),
      // In kilobytes on every system.
      wallClock: { ...wallClock, seconds, peakMemory: process.resourceUsage().maxRSS * 1024 },
    })
    const page = await writeReport(folder.path)
    report(view, result, {
      seconds,
      backend,
      hardware: configuration.hardware,
      path: folder.path,
      page,
    })
    return result
  } catch (error) {
    view.end()
    const { message } = error as Error
    folder.describe({ ...configuration, state: 'failed', error: message, wallClock })
    console.error(`\nWhat it did until then: ${await writeReport(folder.path)}`)
    throw error
  } finally {
    board?.close()
    folder.close()
  }
}

/** A report as it is recorded: how many steps were done, and apart what depends on the machine's speed. */
function lineOf(progress: Progress, memory?: number): object {
  if (progress.kind === 'step') {
    const { time, imagesPerSecond, ...metrics } = progress
    return { steps: time.step + 1, ...metrics, wallClock: { imagesPerSecond } }
  }
  const { time, seconds, ...metrics } = progress
  return { steps: time.step, ...metrics, wallClock: { seconds, memory } }
}

/** What does the same run again, on the same backend. */
const commandOf = (flags: RunFlags): string =>
  [
    'npm start --',
    ...Object.entries(flags)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `--${flagOf(name)} ${quoted(String(value))}`),
  ].join(' ')

/** Flags are written in lower case: microBatch is --micro-batch. */
export const flagOf = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const quoted = (value: string): string =>
  /[^\w./:-]/.test(value) ? `'${value.replaceAll("'", `'\\''`)}'` : value

/** When the run began, and after how many steps it went on. */
function wallClockOf(
  earlier: Record<string, unknown> | undefined,
  began: Date,
  steps: number,
): { began: string; resumed?: { steps: number }[] } {
  const before = earlier?.['wallClock'] as ReturnType<typeof wallClockOf> | undefined
  return {
    began: before?.began ?? began.toISOString(),
    ...(earlier && {
      resumed: [...(Array.isArray(before?.resumed) ? before.resumed : []), { steps }],
    }),
  }
}

/** Some thousand training images, normalised as the model gets them. */
function sampleOf(
  set: Omit<Parameters<typeof openData>[0], 'batchSize' | 'epochs' | 'seed'>,
): tf.Tensor4D {
  const data = openData({ ...set, batchSize: 5000, epochs: 1, seed: 0 })
  const { mean, deviation } = data.facts
  return tf.tidy(() => tf.div(tf.sub(data.batch(0).images, mean), deviation))
}

const hashOf = ({ images, labels }: ImageSet): string =>
  createHash('sha256')
    .update(images.subarray(0, images.length))
    .update(Uint8Array.from(labels))
    .digest('hex')

/** What a run began with; what to do with NaN may change, as it does nothing else. */
function flagsOf({ flags }: EarlierRun, { nonFinite }: Partial<RunFlags>): RunFlags {
  return nonFinite === undefined ? flags : { ...flags, nonFinite }
}

/** A run goes on with what it began with: its data above all, which a checkpoint knows by its statistics alone. */
function checkSame(
  earlier: Record<string, unknown> | undefined,
  now: Record<string, unknown>,
): void {
  for (const fact of ['data', 'tricks', 'backend', 'versions']) {
    const [saved, here] = [earlier?.[fact], now[fact]].map((value) => JSON.stringify(value))
    if (earlier && saved !== here)
      throw new Error(
        `--resume: ${fact} changed since the run began\n  then ${saved}\n  now  ${here}`,
      )
  }
}

/** npm and pnpm run scripts in the package's folder; the user stands elsewhere. */
export const fromUser = (path: string): string => resolve(process.env['INIT_CWD'] ?? '.', path)

function report(
  view: ProgressView,
  { test, stopped, steps }: TrainResult,
  {
    seconds,
    backend,
    hardware,
    path,
    page,
  }: { seconds: number; backend: string; hardware: string; path: string; page: string },
): void {
  if (test) {
    view.result(
      `\n${percent(test.accuracy)} of the test images are right (loss ${test.loss.toFixed(3)})`,
    )
  } else {
    view.result(`\nStopped after ${steps} steps (${stopped}); the test images were not looked at`)
    view.result(`Go on with: npm start -- --resume ${path}`)
  }
  view.say(
    `in ${duration(seconds)} min on ${hardware}, backend ${backend}, Node ${process.version}`,
  )
  view.say(
    'The images are a JPEG re-encoding of CIFAR-10, so compare with figures on the same images.',
  )
  view.say(`Saved in ${path}: run.json, metrics.jsonl, checkpoints/, model/`)
  view.result(`Look at it: ${page}`)
  view.event({ kind: 'end', stopped, steps, test, wallClock: { seconds }, path, page })
}

async function loadData(
  given: string | undefined,
  signal: AbortSignal,
  view: ProgressView,
): Promise<{ train: ImageSet; test: ImageSet }> {
  if (given !== undefined) {
    const folder = fromUser(given)
    const has = (name: string): boolean => existsSync(join(folder, name))
    if (has('cifar-10-batches-bin') && has('cifar-100-binary'))
      throw new Error(
        `--data: ${folder} holds CIFAR-10 and CIFAR-100: name the folder of one, such as ${join(given, 'cifar-100-binary')}`,
      )
    return has('train.bin') || has('cifar-100-binary') ? readCifar100(folder) : readCifar10(folder)
  }
  let shown = 0
  return loadCifar10({
    signal,
    onProgress(done, total) {
      const share = Math.floor((done / total) * 100)
      if (share < shown + 25 && done < total) return
      shown = share
      view.say(`Data       decoding: ${share} %`)
    },
  })
}
