import { join } from 'node:path'
import { useBackend } from '@tricks/backend'
import { progressView, type Settings } from '@tricks/run'
import { isPictureFolder } from '../data.ts'
import { written } from '../flags.ts'
import { defaultRecipe } from '../recipes/index.ts'
import { start } from '../session.ts'
import { exitCodes, fromUser, quoted, stopSignal } from '../usage.ts'
import type { Command } from './command.ts'

const names = [
  'recipe',
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

export const train: Command<(typeof names)[number]> = {
  usage: 'train <data>',
  what: 'Train a network on cifar10, cifar100, or a folder of your own pictures',
  flags: names,
  examples: ['train ./pictures', 'train cifar10 --recipe six --epochs 10'],
  async run([data], flags, program) {
    const { out, saveEvery, tensorboard, progress, backend: wanted, data: binaries, ...own } = flags
    const source = binaries ?? String(data)
    const view = progressView({ ...(progress && { mode: progress }) })
    const backend = await useBackend(wanted)
    view.say(`Backend    ${backend.name}: ${backend.why}`)
    for (const { name, reason } of backend.passedOver) view.say(`           not ${name}: ${reason}`)
    const chosen = own.recipe ?? choose(source, backend.name, (line) => view.say(line))
    // Paths are recorded so that the run can be resumed from anywhere.
    const settings: Settings = {
      ...own,
      recipe: isFile(chosen) ? fromUser(chosen) : chosen,
      data: source === 'cifar10' ? source : fromUser(source),
      seed: own.seed ?? 0,
      backend: backend.name,
      ...(own.teacher !== undefined && { teacher: fromUser(own.teacher) }),
    }
    const shown = { ...own, recipe: chosen, seed: settings.seed, backend: backend.name }
    const { stopped } = await start({
      settings,
      folder: fromUser(out ?? join('runs', timestamp())),
      command: `${program} train ${quoted(source)} ${written(shown)}`,
      ...{ program, view, signal: stopSignal(), saveEvery, tensorboard },
    })
    return stopped === 'aborted' ? exitCodes.interrupted : 0
  },
}

function choose(
  source: string,
  backend: Parameters<typeof defaultRecipe>[1],
  say: (line: string) => void,
): string {
  const { name, why } = defaultRecipe(isPictureFolder(source), backend)
  say(`Recipe     ${name}: ${why}`)
  return name
}

const isFile = (recipe: string): boolean => /[./\\]/.test(recipe)

const timestamp = (): string => new Date().toISOString().replaceAll(':', '-').slice(0, 19)
