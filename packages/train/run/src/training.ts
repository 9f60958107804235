import {
  type Checkpoint,
  imagesAt,
  type Progress,
  train,
  type TrainResult,
  variablesOf,
} from '@tricks/train'
import { calibrate } from './calibrate.ts'
import type { RunFolder } from './folder.ts'
import { imagesAtOnce } from './images-at-once.ts'
import { keepBetter } from './keep-better.ts'
import type { RunOptions } from './options.ts'
import type { ProgressView } from './progress/view.ts'
import { encodeBatch } from './record/batch.ts'
import { encodePredictions } from './record/predictions.ts'
import type { EpochLine, RunFacts, StepLine } from './record/schema.ts'
import type { Setup } from './set-up.ts'
import { stepSheet } from './sheet.ts'
import { openBoard } from './tensorboard/board.ts'

/** The result of a run, and the temperature by which its logits were divided, if they were. */
export interface Trained {
  readonly result: TrainResult
  readonly temperature?: number
}

/** Trains, and writes results to the run's folder as they arise. */
export async function trained(
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
): Promise<Trained> {
  const { data, seed = 0, recipe, epochs = recipe.epochs, saveEvery, nonFinite, signal } = options
  const { balance } = options
  const { model, optimizer, training, batches, batchSize, validation } = setup
  const judged = facts.head?.validation
  const tricks = [...setup.tricks, ...(judged && epochs > 0 ? [keepBetter(judged.accuracy)] : [])]
  const { classes } = training
  const { mean, deviation } = batches.facts
  if (options.resume) folder.rewind(from?.step ?? 0)
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
    const trainedTo = await train({
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
      evaluationBatchSize: imagesAtOnce(training),
      ...(balance && { balanced: balance }),
      repeats: recipe.repeats ?? 1,
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
    // The last layer alone is fitted without label smoothing, and thus calibrated.
    const calibrated =
      judged && epochs > 0
        ? await calibrate(model, trainedTo, batches.heldOut, data.test?.labels)
        : undefined
    const { result } = calibrated ?? { result: trainedTo }
    board?.result(result)
    await folder.saveModel(model, { ...result, classes })
    const { testLogits, validationLogits } = result
    if (testLogits && data.test)
      folder.keep('test.safetensors', encodePredictions(testLogits, data.test))
    if (validationLogits && batches.heldOut && !data.test) {
      const { set, indices } = batches.heldOut
      const file = encodePredictions(validationLogits, imagesAt(set, indices))
      folder.keep('validation.safetensors', file)
    }
    return calibrated ?? { result }
  } finally {
    board?.close()
    optimizer.dispose()
    model.dispose()
  }
}

/** Number of images from the first batch that the report shows. */
const shown = 12

/** Keeps the network's input in the first step. Draws depend only on the seed, so this changes nothing. */
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

/** A report as recorded: values that depend on the machine's speed are kept separate. */
function lineOf(progress: Progress, memory: number): StepLine | EpochLine {
  if (progress.kind === 'step') {
    const { time, imagesPerSecond, ...metrics } = progress
    return { steps: time.step + 1, ...metrics, wallClock: { imagesPerSecond } }
  }
  const { time, seconds, ...metrics } = progress
  return { steps: time.step, ...metrics, wallClock: { seconds, memory } }
}
