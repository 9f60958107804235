import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  hasModel,
  loadTeacher,
  type ProgressView,
  readRunFolder,
  type Recipe,
  replaceFile,
  run,
  type Settings,
} from '@tricks/run'
import { reportPage } from '@tricks/report'
import type { NonFinite, TrainResult } from '@tricks/train'
import { loadData } from './data.ts'
import { recipeNamed } from './recipes/index.ts'
import { fromUser, quoted } from './usage.ts'

/** What a run is started with, for the first time or again. */
export interface Session {
  /** What is recorded, and sets the run up again. */
  readonly settings: Settings
  readonly folder: string
  readonly resume?: boolean
  /** The command that does the same. */
  readonly command: string
  /** As the program is called: `tricks`. */
  readonly program: string
  readonly view: ProgressView
  readonly signal: AbortSignal
  readonly saveEvery?: number
  readonly tensorboard?: boolean
  readonly nonFinite?: NonFinite
}

/** Data, recipe and teacher; the run; its page. The backend is ready. */
export async function start(session: Session): Promise<TrainResult> {
  const { settings, folder, view, signal } = session
  const recipe = await recipeNamed(settings.recipe)
  const taught = await teacherOf(recipe, session)
  if (taught && 'stopped' in taught) return taught
  const data = await loadData(settings.data, {
    size: settings.size ?? recipe.size ?? 64,
    ...settings,
    signal,
    say: (line) => view.say(line),
  })
  try {
    const { epochs, precision, limit, microBatch, seed, model } = settings
    const result = await run({
      recipe: model === undefined ? recipe : ({ ...recipe, model, modelOptions: {} } as Recipe),
      data,
      folder,
      seed,
      ...(taught && { teacher: taught.teacher }),
      ...{ epochs, precision, limit, microBatch, view, signal, settings },
      nonFinite: session.nonFinite ?? settings.nonFinite,
      resume: session.resume ?? false,
      ...(session.saveEvery !== undefined && { saveEvery: session.saveEvery }),
      tensorboard: session.tensorboard ?? false,
      command: session.command,
    })
    conclude(session, result)
    return result
  } catch (error) {
    if (existsSync(join(folder, 'run.json')) && (error as Error).name !== 'UsageError')
      view.result(`\nWhat it did until then: ${writeReport(folder)}`)
    throw error
  }
}

/** A trained teacher, if the recipe learns from one; the result of its training if that was stopped. */
async function teacherOf(
  recipe: Recipe,
  session: Session,
): Promise<
  { readonly teacher: Awaited<ReturnType<typeof loadTeacher>> } | TrainResult | undefined
> {
  if (!recipe.teacher) return undefined
  const { settings, view, resume } = session
  const folder = fromUser(settings.teacher ?? join('runs', 'teacher'))
  if (!hasModel(folder)) {
    // Where it would be trained is written in a file, which may be somebody else's: not a place to write to.
    if (resume)
      throw new Error(
        `the run learns from the teacher in ${folder}, which is missing: bring it back`,
      )
    view.say(`This recipe learns from a teacher, and ${folder} holds none: training it first.\n`)
    const { teacher: _, epochs: __, model: ___, microBatch: ____, ...shared } = settings
    const result = await start({
      ...session,
      settings: { ...shared, recipe: `${settings.recipe}#teacher` },
      folder,
      resume: existsSync(join(folder, 'run.json')),
    })
    if (result.stopped === 'aborted') return result
    view.say('')
  }
  return { teacher: await loadTeacher(folder) }
}

/** Writes the page of a run, by default into its folder, and returns its path. */
export function writeReport(folder: string, file: string = join(folder, 'report.html')): string {
  replaceFile(file, reportPage(readRunFolder(folder)))
  return file
}

function conclude({ view, folder, program }: Session, result: TrainResult): void {
  const { test, stopped, steps, epochs } = result
  const page = writeReport(folder)
  const validation = epochs.at(-1)?.validation
  const share = (accuracy: number): string => `${(100 * accuracy).toFixed(2)} %`
  if (test)
    view.result(
      `\n${share(test.accuracy)} of the test images are right (loss ${test.loss.toFixed(3)})`,
    )
  else if (stopped === 'aborted') view.result(`\nStopped after ${steps} steps, and saved`)
  else if (validation)
    view.result(
      `\n${share(validation.accuracy)} of the validation images are right (loss ${validation.loss.toFixed(3)})`,
    )
  if (!['finished', 'aborted'].includes(stopped)) view.say(`It stopped early: ${stopped}`)
  const path = quoted(folder)
  view.result(`Report     ${page}`)
  if (stopped === 'aborted') view.result(`Resume     ${program} resume ${path}`)
  else view.result(`Predict    ${program} predict ${path} picture.jpg`)
  view.event({ kind: 'end', stopped, steps, test, path: folder, page })
}
