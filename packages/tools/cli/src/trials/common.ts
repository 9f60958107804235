import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs-core'
import { manifest } from '../tricks.ts'

/** A program of this package's own, from its source or built. */
export const trialWorker: string = fileURLToPath(import.meta.resolve('@tricks/cli/trial-worker'))

/** What all who take part in an experiment on a server must have in common. */
export const version = `@tricks/cli ${manifest.version} with TensorFlow.js ${tf.version_core}`

/** Memory that a process may take which trains a small network on CIFAR, in bytes. */
const perProcess = 2 ** 30

/** How many trials this machine trains at once: one per core, fewer if memory is short. */
export const slots = (): number =>
  Math.max(1, Math.min(availableParallelism(), Math.floor(process.availableMemory() / perProcess)))
