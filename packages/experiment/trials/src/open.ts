import { resolve } from 'node:path'
import { openServer } from './engines/bullmq.ts'
import { openLocal } from './engines/local.ts'
import { addressOf } from './engines/address.ts'
import type { Queue, QueueOptions } from './queue.ts'

/**
 * Opens the trials of an experiment: a folder for one machine, `redis://…` or `postgres://…` for many. A server holds any
 * number of experiments, distinguished by `?experiment=NAME`.
 *
 * @throws Error if the folder can't be written, the server can't be used, or the experiment was started by another version
 * @example
 * const queue = await openTrials('runs/search')
 * await queue.add([trialOf({ kind: 'arm', config: { rate: 0.1 }, seed: 0, budget: 40 })])
 * await queue.close()
 */
export async function openTrials(where: string, options: QueueOptions = {}): Promise<Queue> {
  const address = addressOf(where)
  const queue = await (address ? openServer(address, options) : openLocal(resolve(where), options))
  const { version } = options
  if (version === undefined) return queue
  const kept = await queue.note('version', version)
  if (kept === version) return queue
  await queue.close()
  throw new Error(
    `trials: ${queue.name} was started by version ${kept}, but this is ${version}: their results may differ. ` +
      'Install the same version everywhere, or start a new experiment.',
  )
}
