import { accessSync, constants } from 'node:fs'
import type { Outcome, Trial } from './trial.ts'

/** The input of a program that trains a trial. */
export interface Job {
  readonly trial: Trial
  /** The storage folder, shared by all workers. */
  readonly storage: string
  /** This attempt's folder for checkpoints, inside `storage`. */
  readonly folder: string
  /** The folders of interrupted attempts, newest first: resume from `newestCheckpoint(earlier)`. */
  readonly earlier: readonly string[]
  /** Aborted when the trial must return to the queue: write a checkpoint now, and another worker resumes it. */
  readonly signal: AbortSignal
  /** Reports the fraction done, from 0 to 1. */
  progress(share: number): void
}

export type Program = (job: Job) => Promise<Outcome>

/** A message from the worker to its child: a trial, or to stop it. */
export type ToChild = Omit<Job, 'signal' | 'progress'> | 'stop'
/**
 * A message from the child to its worker. `storage` means that the folder can't be written, which is not the trial's
 * fault.
 */
export type FromChild =
  | 'ready'
  | { readonly progress: number }
  | { readonly outcome: Outcome }
  | { readonly error: string; readonly storage: boolean }

/**
 * The main loop of a worker's child process: trains one trial after the other, each with the program for its kind. It
 * exits when the worker does.
 *
 * @example
 * const serve = () =>
 *   serveTrials({
 *     arm: async ({ trial, progress }) => {
 *       progress(0.5)
 *       return { metrics: { accuracy: 0.8, seed: trial.seed } }
 *     },
 *   })
 */
export function serveTrials(programs: Readonly<Record<string, Program>>): void {
  const send = (message: FromChild): void => void process.send?.(message, () => undefined)
  let stop = new AbortController()
  process.on('message', (message: ToChild) => {
    if (message === 'stop') return stop.abort()
    stop = new AbortController()
    const { trial, storage } = message
    const program = programs[trial.kind]
    const known = Object.keys(programs).join(', ')
    const job = {
      ...message,
      signal: stop.signal,
      progress: (share: number) => send({ progress: share }),
    }
    Promise.resolve()
      .then(() => {
        if (!program)
          throw new Error(`this worker has no program for '${trial.kind}', only for ${known}`)
        return program(job)
      })
      .then(
        (outcome) => send({ outcome }),
        (error: Error) => send({ error: error.message, storage: !isWritable(storage, error) }),
      )
  })
  // Terminals and Slurm also signal child processes; only the worker decides when to return a trial.
  process.on('SIGINT', () => undefined).on('SIGTERM', () => undefined)
  // The parent process is gone, so nobody would read the result.
  process.on('disconnect', () => process.exit())
  send('ready')
}

/** The system's error codes for a folder that is full, read-only or forbidden. */
const refusals = /\b(ENOSPC|EDQUOT|EROFS|EACCES|EIO|ESTALE)\b/

/** Whether the storage folder can still be written, so that an error has another cause. */
function isWritable(storage: string, error: Error): boolean {
  if (refusals.test(`${(error as NodeJS.ErrnoException).code} ${error.message}`)) return false
  try {
    accessSync(storage, constants.W_OK)
    return true
  } catch {
    return false
  }
}
