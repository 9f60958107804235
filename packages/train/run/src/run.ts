import { assertArgument } from '@tricks/core'
import type { Checkpoint, TrainResult } from '@tricks/train'
import { factsOf } from './facts.ts'
import { fitLastLayer } from './fit-last-layer.ts'
import { openRunFolder, readFacts, type RunFolder } from './folder.ts'
import type { RunOptions } from './options.ts'
import { planLines } from './plan-lines.ts'
import { progressView } from './progress/progress.ts'
import type { ProgressView } from './progress/view.ts'
import { checkSame } from './record/same.ts'
import type { HeadFacts, RunFacts } from './record/schema.ts'
import { type Setup, setUp } from './set-up.ts'
import { trained, type Trained } from './training.ts'

/**
 * Trains a recipe in its own folder. However the run ends, the folder contains checkpoints, metrics, the first batch, the
 * mistakes and the trained model. A backend must be ready (`useBackend`).
 *
 * @returns the result of `train`
 * @throws Error if the folder can't be used, or if recipe, data and options are inconsistent
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
    for (const { file, reason } of found?.skipped ?? []) view.say(`Skipped ${file}: ${reason}`)
    const setup = await setUp({ ...options, view })
    const facts = factsOf(options, setup)
    if (earlier) checkSame(path, earlier, facts)
    const from = found && fromCheckpoint(found.checkpoint, options, facts)
    introduce(view, facts, path, from)
    return await recorded(folder, facts, { earlier, from, view }, async (describe) => {
      const head = await headOf(folder, options, { setup, earlier, from, view })
      if (options.signal?.aborted) return { result: nothingDone(setup) }
      const known = head ? { ...facts, head } : facts
      describe(known)
      view.begin({ epochs: facts.epochs!, earlier: from?.epochs, from: from?.step })
      return trained(folder, options, { setup, facts: known, from, view })
    })
  } finally {
    folder.close()
  }
}

/** The checkpoint, adapted to the requested length of the run. */
function fromCheckpoint(
  checkpoint: Checkpoint,
  { newLength }: RunOptions,
  { epochs, stepsPerEpoch }: RunFacts,
): Checkpoint {
  if (!newLength) return checkpoint
  const done = checkpoint.step / stepsPerEpoch!
  assertArgument(
    epochs! >= done,
    'run',
    { epochs },
    `at least ${Math.ceil(done)}, the epochs done so far`,
  )
  return { ...checkpoint, run: { ...checkpoint.run, epochs: epochs! } }
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
  view.say(
    `Run        ${path}${from ? `, resumed after ${from.step} ${from.step === 1 ? 'step' : 'steps'}` : ''}\n`,
  )
  view.event({ kind: 'run', path, ...facts })
}

/** The fitted last layer: fitted now, or before the checkpoint, which contains it. */
async function headOf(
  folder: RunFolder,
  options: RunOptions,
  about: {
    readonly setup: Setup
    readonly earlier: RunFacts | undefined
    readonly from: Checkpoint | undefined
    readonly view: ProgressView
  },
): Promise<HeadFacts | undefined> {
  const { setup, earlier, from, view } = about
  if (!options.recipe.head) return undefined
  if (from && earlier?.head) return earlier.head
  try {
    return await fitLastLayer(folder.path, options, setup, view)
  } catch (error) {
    if (options.signal?.aborted) return undefined
    throw error
  }
}

/** The result of a run that was aborted before its first step. */
function nothingDone({ batches, model, optimizer }: Setup): TrainResult {
  const { mean, deviation } = batches.facts
  model.dispose()
  optimizer.dispose()
  return {
    stopped: 'aborted',
    steps: 0,
    skipped: 0,
    epochs: [],
    mean,
    deviation,
    precision: 'float32',
  }
}

/** Runs `work` and keeps the state in run.json up to date, however it ends. */
async function recorded(
  folder: RunFolder,
  facts: RunFacts,
  about: { earlier: RunFacts | undefined; from: Checkpoint | undefined; view: ProgressView },
  work: (describe: (known: RunFacts) => void) => Promise<Trained>,
): Promise<TrainResult> {
  const { earlier, from, view } = about
  const start = Date.now()
  const before = earlier?.wallClock
  const clock = {
    began: before?.began ?? new Date(start).toISOString(),
    ...(earlier && { resumed: [...(before?.resumed ?? []), { steps: from?.step ?? 0 }] }),
  }
  let known = facts
  const describe = (now: RunFacts): void => {
    known = now
    folder.describe({ ...known, wallClock: clock })
  }
  describe(facts)
  try {
    const { result, temperature } = await work(describe)
    view.end()
    folder.describe({
      ...known,
      state: result.stopped,
      skipped: result.skipped,
      ...(result.test && { test: result.test }),
      ...(temperature !== undefined && { temperature }),
      mean: [...result.mean],
      deviation: [...result.deviation],
      wallClock: {
        ...clock,
        seconds: (before?.seconds ?? 0) + (Date.now() - start) / 1000,
        // In kilobytes on all systems.
        peakMemory: process.resourceUsage().maxRSS * 1024,
      },
    })
    return result
  } catch (error) {
    view.end()
    folder.describe({
      ...known,
      state: 'failed',
      error: (error as Error).message,
      wallClock: clock,
    })
    throw error
  }
}
