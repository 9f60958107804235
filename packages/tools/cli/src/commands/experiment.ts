import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { addressOf, type Entry, openTrials, type Queue } from '@tricks/trials'
import { armOf } from '../trials/rows.ts'
import { meant, UsageError } from '../usage.ts'
import type { Command } from './command.ts'

const actions: Readonly<Record<string, (queue: Queue) => Promise<string | undefined>>> = {
  show: async () => undefined,
  async pause(queue) {
    await queue.pause(true)
    return 'Paused: no new trials are started; running ones continue.'
  },
  async resume(queue) {
    await queue.pause(false)
    return 'Resumed.'
  },
  async retry(queue) {
    const count = await queue.retry()
    return `${count} failed ${count === 1 ? 'trial is' : 'trials are'} waiting again.`
  },
}

export const experiment: Command<'json'> = {
  usage: 'experiment <where> [action]',
  what: 'Show the trials of an experiment, in a folder or on a server; pause, resume or retry them',
  flags: ['json'],
  examples: ['experiment runs/ablation-quick', 'experiment redis://queue:6379 pause'],
  async run([where, action = 'show'], { json = false }) {
    const act = actions[String(action)]
    if (!act) {
      const names = Object.keys(actions)
      throw new UsageError(
        `experiment: expected one of ${names.join(', ')}, got ${String(action)}${meant(String(action), names)}`,
      )
    }
    const address = String(where)
    if (!addressOf(address) && !existsSync(join(address, 'trials.sqlite')))
      throw new UsageError(
        `experiment: expected a folder that contains an experiment, redis://… or postgres://…, got ${address}`,
      )
    const queue = await openTrials(address, { say: (line) => console.error(line) })
    try {
      const message = await act(queue)
      if (message !== undefined) console.error(message)
      const [entries, paused] = [await queue.list(), await queue.paused()]
      if (json) console.log(JSON.stringify({ paused, trials: entries }, null, 2))
      else print(entries, paused)
    } finally {
      await queue.close()
    }
  },
}

/** The counts, then what is running and what has failed. */
function print(entries: readonly Entry[], paused: boolean): void {
  const of = (state: Entry['state']): Entry[] => entries.filter((entry) => entry.state === state)
  const states = ['finished', 'running', 'waiting', 'failed'] as const
  const counts = states.map((state) => `${of(state).length} ${state}`)
  console.log(`${entries.length} trials: ${counts.join(', ')}${paused ? '; paused' : ''}`)
  for (const { trial, progress = 0, worker, attempts } of of('running'))
    console.log(
      `  ${nameOf(trial)}  ${(progress * 100).toFixed(0).padStart(3)} %  on ${worker}${attempts > 1 ? `, attempt ${attempts}` : ''}`,
    )
  for (const { trial, error, attempts } of of('failed'))
    console.log(`  ${nameOf(trial)}  failed after ${attempts} attempts: ${error}`)
  if (of('failed').length > 0) console.log('To try them again, use the action retry.')
}

/** A name by which a person recognises a trial: an arm's name if it has one. */
const nameOf = (trial: Entry['trial']): string => `${armOf(trial)}, seed ${trial.seed}`
