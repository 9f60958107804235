import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs-core'
import { manifest } from '../tricks.ts'

/** The path of this package's worker program, source or built. */
export const trialWorker: string = fileURLToPath(import.meta.resolve('@tricks/cli/trial-worker'))

/** The version that all workers of an experiment on a server must share. */
export const version = `@tricks/cli ${manifest.version} with TensorFlow.js ${tf.version_core}`

/** Memory for a process that trains a small network on CIFAR, in bytes. */
const perProcess = 2 ** 30

/** Number of trials that this machine trains at once: one per core, fewer if memory is short. */
export const slots = (): number =>
  Math.max(1, Math.min(availableParallelism(), Math.floor(process.availableMemory() / perProcess)))
