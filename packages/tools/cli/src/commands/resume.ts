import { useBackend, type BackendName } from '@tricks/backend'
import { progressView, readRun } from '@tricks/run'
import { start } from '../session.ts'
import { exitCodes, fromUser, quoted, stopSignal } from '../usage.ts'
import type { Command } from './command.ts'

export const resume: Command<'epochs' | 'nonFinite' | 'saveEvery' | 'progress' | 'tensorboard'> = {
  usage: 'resume <run>',
  what: 'Continue a run where it stopped, bit for bit; --epochs gives a finished one more',
  flags: ['epochs', 'nonFinite', 'saveEvery', 'progress', 'tensorboard'],
  examples: ['resume runs/2026-01-31T09-30-00'],
  async run([path], { progress, epochs, ...flags }, program) {
    const folder = fromUser(String(path))
    const { settings, facts } = readRun(folder)
    const view = progressView({ ...(progress && { mode: progress }) })
    const { name, why } = await useBackend(settings.backend as BackendName)
    view.say(`Backend    ${name}: ${why}`)
    const { stopped } = await start({
      ...flags,
      settings: { ...settings, ...(epochs !== undefined && { epochs }) },
      folder,
      resume: true,
      command: facts.command ?? `${program} resume ${quoted(folder)}`,
      ...{ program, view, signal: stopSignal() },
    })
    return stopped === 'aborted' ? exitCodes.interrupted : 0
  },
}
