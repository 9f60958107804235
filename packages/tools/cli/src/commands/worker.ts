import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { machineOf } from '@tricks/ablation'
import { addressOf, openTrials, workOn } from '@tricks/trials'
import { slots, trialWorker, version } from '../trials/common.ts'
import { stopSignal, UsageError } from '../usage.ts'
import type { Command } from './command.ts'

/** Between two generations of a search, nothing may be waiting for a while. */
const idleSeconds = 60

export const worker: Command<'queue' | 'storage' | 'processes' | 'untilEmpty'> = {
  usage: 'worker',
  what: 'Train trials of an experiment, together with workers on other machines',
  flags: ['queue', 'storage', 'processes', 'untilEmpty'],
  examples: ['worker --queue redis://queue:6379 --storage /shared/tricks'],
  async run(_, { queue: where, storage, processes = slots(), untilEmpty = false }) {
    if (where === undefined)
      throw new UsageError(
        'worker: expected --queue with the address of an experiment, such as redis://queue:6379',
      )
    const isServer = addressOf(where) !== undefined
    if (isServer && storage === undefined)
      throw new UsageError('worker: expected --storage with a folder that all workers share')
    const folder = resolve(storage ?? where)
    mkdirSync(folder, { recursive: true })
    const say = (line: string): void => console.log(line)
    const signal = stopSignal()
    const queue = await openTrials(where, { say, ...(isServer && { version }) })
    console.log(`Waiting for trials on ${queue.name}; trains ${processes} at once`)
    try {
      await workOn(queue, {
        module: trialWorker,
        storage: folder,
        processes,
        machine: machineOf(),
        signal,
        say,
        ...(untilEmpty && { untilIdle: idleSeconds }),
      })
    } finally {
      await queue.close()
    }
  },
}
