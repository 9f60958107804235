import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { type BackendName, useBackend } from '@tricks/backend'
import { checkFree, progressView, type ProgressView, type Settings } from '@tricks/run'
import { isPictureFolder, locateData } from '../data.ts'
import { type Flags, written } from '../flags.ts'
import { isFile } from '../recipes/file.ts'
import {
  type Beginning,
  beginsPretrained,
  choosePretrained,
  recordedSource,
} from '../pretrained/choose.ts'
import { defaultRecipe, recipeNamed } from '../recipes/index.ts'
import { start } from '../session.ts'
import { quoted, stopSignal, UsageError } from '../usage.ts'
import type { Command } from './command.ts'

const names = [
  'recipe',
  'from',
  'minutes',
  'views',
  'balance',
  'model',
  'epochs',
  'seed',
  'backend',
  'precision',
  'data',
  'limit',
  'size',
  'skipBroken',
  'teacher',
  'microBatch',
  'nonFinite',
  'out',
  'saveEvery',
  'progress',
  'tensorboard',
] as const
type Given = Flags<(typeof names)[number]>

export const train: Command<(typeof names)[number]> = {
  usage: 'train <data>',
  what: 'Train a network on cifar10, cifar100, or a folder of your own pictures',
  flags: names,
  examples: [
    'train ./pictures',
    'train ./pictures --minutes 10',
    'train ./pictures --from scratch --epochs 40',
    'train cifar10 --recipe six --epochs 10',
    'train cifar100 --data ./cifar-100-binary',
  ],
  async run([data], flags, program) {
    const { out, saveEvery, tensorboard, progress, backend: wanted, data: binaries, ...own } = flags
    const view = progressView({ ...(progress && { mode: progress }) })
    const signal = stopSignal()
    // Check everything that can fail before spending time on training.
    const folder = resolve(out ?? unusedFolder())
    checkFree(folder)
    if (own.recipe !== undefined) await recipeNamed(own.recipe)
    const source = await locateData(String(data), { binaries, view, signal })
    checkFlagsFor(source, own)
    const pretrained = beginsPretrained(source, own)

    const backend = await useBackend(wanted)
    view.say(`Backend    ${backend.name}: ${backend.why}`)
    for (const { name, reason } of backend.skipped) view.say(`           not ${name}: ${reason}`)
    const chosenSettings = pretrained
      ? await choosePretrained(source, own, view)
      : withDefaultRecipe(source, own, backend.name, view)
    const chosen = chosenSettings.recipe!
    const teacher = await teacherFolder(chosen, source, own)
    // Absolute paths, so that the run can be resumed from any folder.
    const settings: Settings = {
      ...own,
      ...chosenSettings,
      recipe: isFile(chosen) ? resolve(chosen) : chosen,
      ...(chosenSettings.from !== undefined && {
        from: recordedSource(chosenSettings.from),
      }),
      data: source,
      seed: own.seed ?? 0,
      backend: backend.name,
      ...(teacher !== undefined && { teacher }),
    }
    const shown = { ...own, ...chosenSettings, seed: settings.seed, backend: backend.name }
    return start({
      settings,
      folder,
      program,
      view,
      signal,
      saveEvery,
      tensorboard,
      command: `${program} train ${quoted(source)} ${written(shown)}`,
    })
  },
}

function withDefaultRecipe(
  source: string,
  given: Beginning,
  backend: BackendName,
  view: ProgressView,
): Beginning {
  const fallback = defaultRecipe(isPictureFolder(source), backend)
  const recipe = given.recipe ?? fallback.name
  view.say(`Recipe     ${recipe}${given.recipe === undefined ? `: ${fallback.why}` : ''}`)
  return { recipe }
}

function checkFlagsFor(source: string, { size, skipBroken }: Given): void {
  if (isPictureFolder(source)) return
  const flag = size === undefined ? (skipBroken ? '--skip-broken' : undefined) : '--size'
  if (flag)
    throw new UsageError(`${flag} applies only to a folder of pictures; CIFAR's images are 32 × 32`)
}

/** The folder of the teacher's run, if the recipe needs one; by default there is one per data set and number of images. */
async function teacherFolder(
  recipe: string,
  source: string,
  { teacher: given, limit }: Partial<Settings>,
): Promise<string | undefined> {
  const wanted = (await recipeNamed(recipe)).teacher !== undefined
  if (!wanted && given !== undefined)
    throw new UsageError(`--teacher: the recipe ${recipe} has no teacher`)
  const own = source === 'cifar10' ? 'teacher' : `teacher-${basename(source)}`
  const usual = limit === undefined ? own : `${own}-${limit}`
  return wanted ? resolve(given ?? join('runs', usual)) : undefined
}

/** `runs/<time>`, with a number appended if two runs start in the same second. */
function unusedFolder(): string {
  const time = new Date().toISOString().replaceAll(':', '-').slice(0, 19)
  const path = join('runs', time)
  for (let i = 2; ; i++) {
    const folder = i === 2 && !existsSync(path) ? path : `${path}-${i}`
    if (!existsSync(folder)) return folder
  }
}
