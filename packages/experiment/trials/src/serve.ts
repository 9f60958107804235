import { accessSync, constants } from 'node:fs'
import type { Outcome, Trial } from './trial.ts'

/** What a program gets to train one trial. */
export interface Job {
  readonly trial: Trial
  /** The storage folder, which all workers share. */
  readonly storage: string
  /** This attempt's own folder there, for its checkpoints. */
  readonly folder: string
  /** The folders of attempts that were cut short, the newest first: `newestCheckpoint(earlier)` is where to resume. */
  readonly earlier: readonly string[]
  /** Aborted when the trial is to be given back: a checkpoint that is written now is resumed elsewhere. */
  readonly signal: AbortSignal
  /** Reports how much is done, from 0 to 1. */
  progress(share: number): void
}

export type Program = (job: Job) => Promise<Outcome>

/** From the worker to its child: a trial, or to stop it. */
export type ToChild = Omit<Job, 'signal' | 'progress'> | 'stop'
/** And back. `storage` says that the folder can't be written: no fault of the trial. */
export type FromChild =
  | 'ready'
  | { readonly progress: number }
  | { readonly outcome: Outcome }
  | { readonly error: string; readonly storage: boolean }

/**
 * The loop of a worker's child process: trains one trial after the other, each by the program of its kind. It ends with
 * its worker.
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
          throw new Error(`this worker has no program for '${trial.kind}', only ${known}`)
        return program(job)
      })
      .then(
        (outcome) => send({ outcome }),
        (error: Error) => send({ error: error.message, storage: !isWritable(storage, error) }),
      )
  })
  // A terminal and Slurm signal children too: what they train is for their worker to give back.
  process.on('SIGINT', () => undefined).on('SIGTERM', () => undefined)
  // The parent process is gone, so nobody would read the result.
  process.on('disconnect', () => process.exit())
  send('ready')
}

/** What the system says of a folder that is full, read-only or forbidden. */
const refusals = /\b(ENOSPC|EDQUOT|EROFS|EACCES|EIO|ESTALE)\b/

/** Whether an error has another cause than the storage folder. */
function isWritable(storage: string, error: Error): boolean {
  if (refusals.test(`${(error as NodeJS.ErrnoException).code} ${error.message}`)) return false
  try {
    accessSync(storage, constants.W_OK)
    return true
  } catch {
    return false
  }
}
