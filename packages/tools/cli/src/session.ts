import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { reportPage } from '@tricks/report'
import {
  type Dataset,
  duration,
  hasModel,
  loadTeacher,
  percent,
  type ProgressView,
  readRun,
  readRunFolder,
  type Recipe,
  replaceFile,
  run,
  type RunOptions,
  type Settings,
} from '@tricks/run'
import type { TrainResult } from '@tricks/train'
import { loadData } from './data.ts'
import { reportImbalance } from './imbalance.ts'
import { recipeNamed, teacherPart } from './recipes/index.ts'
import { pretrainedRecipe } from './recipes/pretrained.ts'
import { exitCodes, quoted } from './usage.ts'

/** The inputs of a run, new or resumed. */
export interface Session extends Pick<
  RunOptions,
  'folder' | 'resume' | 'newLength' | 'saveEvery' | 'tensorboard' | 'nonFinite' | 'command'
> {
  /** Recorded in run.json; enough to set up the run again. */
  readonly settings: Settings
  /** The program's name as the user calls it: `tricks`. */
  readonly program: string
  readonly view: ProgressView
  readonly signal: AbortSignal
}

/**
 * Loads data, recipe and teacher, trains, and writes the report. The backend must be ready.
 *
 * @returns the exit code
 */
export async function start(session: Session): Promise<number> {
  const { settings, view, signal } = session
  try {
    const { recipe, data } = await setUp(settings, { view, signal })
    return await execute(session, recipe, data)
  } catch (error) {
    if (!signal.aborted) throw error
    view.result('\nStopped before the first step; nothing to save')
    return exitCodes.interrupted
  }
}

/**
 * Loads the recipe and data that a run's settings name, so that another process gets the same ones.
 *
 * @throws Error if one of them is missing
 * @example
 * const { recipe, data } = await setUp({ recipe: 'quick', data: 'cifar10' })
 */
export async function setUp(
  settings: Pick<Settings, 'recipe' | 'data' | 'model' | 'size' | 'skipBroken' | 'from' | 'views'>,
  waiting: { readonly view?: ProgressView; readonly signal?: AbortSignal } = {},
): Promise<{ readonly recipe: Recipe; readonly data: Dataset }> {
  const { size, skipBroken = false } = settings
  const recipe = await recipeOf(settings)
  const side = size ?? recipe.size
  const data = await loadData(settings.data, {
    ...(side !== undefined && { size: side }),
    ...(recipe.larger !== undefined && { larger: recipe.larger }),
    skipBroken,
    ...waiting,
  })
  return { recipe, data }
}

async function recipeOf(
  settings: Pick<Settings, 'recipe' | 'model' | 'from' | 'views'>,
): Promise<Recipe> {
  const { recipe: name, model } = settings
  if (name === 'pretrained') return pretrainedRecipe(settings)
  const { model: own, modelOptions, prepare, ...shared } = await recipeNamed(name)
  // The recipe's preparation may not work with another network.
  const network = model === undefined ? { model: own, modelOptions, prepare } : { model }
  return { ...shared, ...network } as Recipe
}

async function execute(session: Session, recipe: Recipe, data: Dataset): Promise<number> {
  const { settings, program: _, view, signal, ...options } = session
  if (recipe.teacher) {
    const code = await prepareTeacher(session, recipe.teacher, data)
    if (code !== 0) return code
  }
  const { epochs, precision, limit, microBatch, seed, nonFinite, balance } = settings
  reportImbalance(data.train, balance, view)
  const began = performance.now()
  let running = false
  try {
    const result = await run({
      recipe,
      data,
      seed,
      epochs,
      precision,
      limit,
      microBatch,
      nonFinite,
      balance,
      ...options,
      ...(recipe.teacher && { teacher: await loadTeacher(settings.teacher!, data.train) }),
      settings,
      signal,
      view: {
        ...view,
        begin(length) {
          running = true
          view.begin(length)
        },
      },
    })
    conclude(session, result, (performance.now() - began) / 1000)
    return result.stopped === 'aborted' ? exitCodes.interrupted : 0
  } catch (error) {
    if (running) {
      view.result('\nThe run failed; its progress is saved')
      reported(session.folder, view)
    }
    throw error
  }
}

/**
 * Trains the teacher that a recipe needs, unless it exists.
 *
 * @returns the exit code
 */
async function prepareTeacher(session: Session, recipe: Recipe, data: Dataset): Promise<number> {
  const { settings, view, program, resume = false, signal } = session
  const folder = settings.teacher
  if (folder === undefined) throw new Error("the run's settings don't contain a teacher")
  const started = existsSync(join(folder, 'run.json'))
  const record = started && hasModel(folder) ? readRunFolder(folder) : undefined
  if (record && isOver(record.state)) {
    const accuracy = record.run.test?.accuracy
    view.say(
      `Teacher    ${folder}${accuracy === undefined ? '' : `: ${percent(accuracy)} of its test images`}`,
    )
    return 0
  }
  // The folder's path comes from a file, which somebody else may have written, so nothing is written there.
  if (resume)
    throw new Error(
      `the run learns from the teacher in ${folder}, which is ${started ? `unfinished: finish it first, with ${program} resume ${quoted(folder)}` : 'missing: restore it'}`,
    )
  view.say(`Teacher    ${folder} ${started ? 'is unfinished' : 'is missing'}: training it first\n`)
  const { teacher: _, epochs: __, model: ___, microBatch: ____, ...shared } = settings
  const own = started
    ? readRun(folder).settings
    : { ...shared, recipe: `${settings.recipe}${teacherPart}` }
  const code = await execute(
    { settings: own, folder, resume: started, program, view, signal },
    recipe,
    data,
  )
  view.say('')
  return code
}

/** Whether a run has ended: finished, or stopped by a trick. */
export const isOver = (state: string): boolean =>
  !['running', 'aborted', 'failed', 'unknown'].includes(state)

/** Writes a run's report, by default to its folder, and returns the path. */
export function writeReport(folder: string, file: string = join(folder, 'report.html')): string {
  replaceFile(file, reportPage(readRunFolder(folder)))
  return file
}

/** Prints the result of a run, and what to do next. */
function conclude({ view, folder, program }: Session, result: TrainResult, seconds: number): void {
  const { test, stopped, steps, epochs } = result
  const validation = result.validation ?? epochs.at(-1)?.validation
  const words = (of: string, { accuracy, loss }: NonNullable<typeof test>): string =>
    `\n${percent(accuracy)} of the ${of} images classified correctly (loss ${loss.toFixed(3)})`
  if (stopped === 'aborted') view.result(`\nStopped after ${steps} steps and saved`)
  else if (test) view.result(words('test', test))
  else if (validation) view.result(words('validation', validation))
  else view.result(`\nTrained ${steps} steps; no images to test on`)
  if (!['finished', 'aborted'].includes(stopped)) view.say(`It stopped early: ${stopped}`)
  view.say(`Time       ${duration(seconds)}`)
  const page = reported(folder, view)
  const path = quoted(folder)
  if (stopped === 'aborted') view.result(`Resume     ${program} resume ${path}`)
  else view.result(`Predict    ${program} predict ${path} picture.jpg`)
  view.event({ kind: 'end', stopped, steps, test, wallClock: { seconds }, path: folder, page })
}

/** Failing to write the report must not lose the result of a run. */
function reported(folder: string, view: ProgressView): string | undefined {
  try {
    const page = writeReport(folder)
    view.result(`Report     ${page}`)
    return page
  } catch (error) {
    console.error(`Could not write the report: ${(error as Error).message}`)
    return undefined
  }
}
