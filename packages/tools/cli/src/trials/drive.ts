import { openTrials, type Queue, withWorkers } from '@tricks/trials'
import { resolve } from 'node:path'
import type { Flags } from '../flags.ts'
import { trialWorker, version } from './common.ts'

/**
 * Opens the trials in a folder or on a server and runs a driver on them: with worker processes of this machine, or, on a
 * server, with those of other machines.
 *
 * @param drive gets the queue, the folder of the checkpoints, and a signal that is also aborted if the workers fail
 */
export async function driveTrials<T>(
  out: string,
  { queue: server, storage }: Flags<'queue' | 'storage'>,
  options: {
    readonly processes: number
    readonly signal: AbortSignal
    readonly say: (line: string) => void
  },
  drive: (queue: Queue, storage: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { say, signal } = options
  const queue = await openTrials(server ?? out, { say, ...(server !== undefined && { version }) })
  try {
    if (server !== undefined) await queue.note('bound to a machine', 'yes')
    // Starting the command again also retries failed trials.
    await queue.retry()
    const shared = resolve(storage ?? out)
    const driver = (stop: AbortSignal): Promise<T> => drive(queue, shared, stop)
    const work = { ...options, module: trialWorker, storage: shared }
    return await (server === undefined ? withWorkers(queue, work, driver) : driver(signal))
  } finally {
    await queue.close()
  }
}
