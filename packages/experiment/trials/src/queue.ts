import { hostname } from 'node:os'
import type { Outcome, Trial } from './trial.ts'

/**
 * A trial held by a worker until its lease ends. A later renewal is refused if another worker has claimed the trial.
 */
export interface Claim {
  readonly trial: Trial
  /** Number of the attempt, from 1, counted over all workers. */
  readonly attempt: number
  /** Known only to the claim's holder. Reports with an older token are refused. */
  readonly token: string
}

/** How an attempt ended: finished, failed, or returned unfinished, which does not count as a failure. */
export type Ending = { readonly outcome: Outcome } | { readonly error: string } | 'given back'

export type State = 'waiting' | 'running' | 'finished' | 'failed'

/** The state of a trial. */
export interface Entry {
  readonly trial: Trial
  readonly state: State
  /** How many times workers have started it. */
  readonly attempts: number
  /** The worker that has it, or had it last. */
  readonly worker?: string
  /** The fraction done, from 0 to 1, as last reported by its worker. */
  readonly progress?: number
  readonly outcome?: Outcome
  /** Message of its last failure. */
  readonly error?: string
}

export type Counts = Readonly<Record<State, number>>

/**
 * The trials of one experiment, wherever they are stored. Every engine guarantees the following, checked by one test
 * suite:
 *
 * - a trial is added once, and has one outcome: the first one reported with a valid claim;
 * - a trial whose lease wasn't renewed in time goes to the next worker that asks, and its former holder is refused;
 * - a trial that throws is tried three times; one whose worker dies, up to twenty times.
 */
export interface Queue {
  /** Its address for messages, without the password. */
  readonly name: string
  /** Length of a lease in milliseconds; renew it after every third of that. */
  readonly lease: number
  /** Adds the trials that are missing, in this order. */
  add(trials: readonly Trial[]): Promise<void>
  /** Claims the first waiting trial; undefined if none is waiting, or the experiment is paused. */
  claim(): Promise<Claim | undefined>
  /** Renews a claim. @returns whether it is still valid */
  renew(claim: Claim, progress?: number): Promise<boolean>
  /** Ends a claim. @returns false if it was no longer valid; nothing has changed then */
  finish(claim: Claim, ending: Ending): Promise<boolean>
  /** All trials, in the order in which they were added. */
  list(): Promise<Entry[]>
  counts(): Promise<Counts>
  /** No trial is claimed while it is paused; those that are running continue. */
  pause(paused: boolean): Promise<void>
  paused(): Promise<boolean>
  /** Puts failed trials back into the queue. @returns their number */
  retry(): Promise<number>
  /**
   * Stores a fact about the whole experiment, such as the version of its workers; the first value is kept.
   *
   * @returns the kept value; undefined if no value was ever given
   */
  note(name: string, value?: string): Promise<string | undefined>
  /** Closes connections and files. Open claims end with their leases. */
  close(): Promise<void>
}

export interface QueueOptions {
  /** Seconds until a dead worker's trial may go to another; default 10 on one machine, 30 on a server. */
  readonly lease?: number
  /** This worker's name; default `HOST:PROCESS`. */
  readonly worker?: string
  /** Must be the same for all workers and drivers: the first one's version is kept, and others are rejected. */
  readonly version?: string
  /** Called with warnings for the user: a server that may lose data, or can't be reached. */
  readonly say?: (line: string) => void
}

/** How many times a trial may throw, and lose its worker. */
export const limits = { failures: 3, lost: 20 } as const

/** The error of a trial that loses every worker. */
export const lostTooOften = `its worker died ${limits.lost} times: it may need more memory than a worker has`

/** The default name of a worker. */
export const ownName = (): string => `${hostname()}:${process.pid}`
