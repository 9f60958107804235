import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs-core'
import { addressOf } from '@tricks/trials'
import type { Flags } from '../flags.ts'
import { manifest } from '../tricks.ts'
import { UsageError } from '../usage.ts'

/** The path of this package's worker program, source or built. */
export const trialWorker: string = fileURLToPath(import.meta.resolve('@tricks/cli/trial-worker'))

/** The version that all workers of an experiment on a server must share. */
export const version = `@tricks/cli ${manifest.version} with TensorFlow.js ${tf.version_core}`

/** Memory for a process that trains a small network on CIFAR, in bytes. */
const perProcess = 2 ** 30

/** Number of trials that this machine trains at once: one per core, fewer if memory is short. */
export const slots = (): number =>
  Math.max(1, Math.min(availableParallelism(), Math.floor(process.availableMemory() / perProcess)))

/**
 * Checks the flags with which a command leaves its trials to workers on other machines.
 *
 * @throws UsageError for one without the other, or for an address that is not a server's
 */
export function checkServer(command: string, { queue, storage }: Flags<'queue' | 'storage'>): void {
  if ((queue === undefined) !== (storage === undefined))
    throw new UsageError(
      `${command}: expected both --queue and --storage, for workers on other machines`,
    )
  if (queue !== undefined && !addressOf(queue))
    throw new UsageError(`--queue: expected redis://… or postgres://…, got ${queue}`)
}
