import { resolve } from 'node:path'
import { useBackend, type BackendName } from '@tricks/backend'
import { progressView, readRun } from '@tricks/run'
import { checkSettings } from '../flags.ts'
import { recipeNamed } from '../recipes/index.ts'
import { isOver, start, writeReport } from '../session.ts'
import { quoted, stopSignal } from '../usage.ts'
import type { Command } from './command.ts'

export const resume: Command<'epochs' | 'nonFinite' | 'saveEvery' | 'progress' | 'tensorboard'> = {
  usage: 'resume <run>',
  what: 'Resume a run where it stopped, with bit-identical results',
  flags: ['epochs', 'nonFinite', 'saveEvery', 'progress', 'tensorboard'],
  examples: ['resume runs/2026-01-31T09-30-00', 'resume runs/a --epochs 40'],
  async run([path], { progress, epochs, ...flags }, program) {
    const folder = resolve(String(path))
    const { settings, facts } = readRun(folder)
    checkSettings(folder, settings)
    const view = progressView({ ...(progress && { mode: progress }) })
    if (isOver(facts.state) && epochs === undefined) {
      view.result(`The run has ended (${facts.state}). For more epochs, pass --epochs N.`)
      view.result(`Report     ${writeReport(folder)}`)
      return 0
    }
    await recipeNamed(settings.recipe)
    const signal = stopSignal()
    const { name, why } = await useBackend(settings.backend as BackendName)
    view.say(`Backend    ${name}: ${why}`)
    view.say(`Recipe     ${settings.recipe}`)
    return start({
      ...flags,
      settings: {
        ...settings,
        ...(epochs !== undefined && { epochs }),
      },
      folder,
      program,
      view,
      signal,
      resume: true,
      newLength: epochs !== undefined,
      command: facts.command ?? `${program} resume ${quoted(folder)}`,
    })
  },
}
