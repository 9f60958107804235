import { hostname } from 'node:os'
import type { Outcome, Trial } from './trial.ts'

/** A trial that a worker holds: until its lease ends, and the next renewal after that is refused if another has it. */
export interface Claim {
  readonly trial: Trial
  /** The first is 1; counted over all workers. */
  readonly attempt: number
  /** Known to this claim's holder only. What comes with an older one is refused. */
  readonly token: string
}

/** How an attempt ended: finished, failed, or given back unfinished, which counts as no failure. */
export type Ending = { readonly outcome: Outcome } | { readonly error: string } | 'given back'

export type State = 'waiting' | 'running' | 'finished' | 'failed'

/** What is known of a trial. */
export interface Entry {
  readonly trial: Trial
  readonly state: State
  /** How often a worker has started it. */
  readonly attempts: number
  /** Who has or had it last. */
  readonly worker?: string
  /** How much of it is done, from 0 to 1, as its worker last reported. */
  readonly progress?: number
  readonly outcome?: Outcome
  /** Of its last failure. */
  readonly error?: string
}

export type Counts = Readonly<Record<State, number>>

/**
 * The trials of one experiment, wherever they are kept. Every engine keeps these promises, and one suite of tests holds
 * all of them to it:
 *
 * - a trial is added once, and has one outcome: the first that a holder of a valid claim reports;
 * - a claim whose lease wasn't renewed in time goes to whoever asks next, and its former holder is refused;
 * - a trial that throws is tried three times; one whose worker dies, up to twenty times.
 */
export interface Queue {
  /** As a person writes it, without a password. */
  readonly name: string
  /** Length of a lease in milliseconds: to be renewed every third of it. */
  readonly lease: number
  /** Adds the missing ones, in this order. */
  add(trials: readonly Trial[]): Promise<void>
  /** The first trial that waits, or undefined: none waits, or the experiment is paused. */
  claim(): Promise<Claim | undefined>
  /** Prolongs a claim. @returns whether it is still valid */
  renew(claim: Claim, progress?: number): Promise<boolean>
  /** Ends a claim. @returns false if it was no longer valid, and nothing was changed */
  finish(claim: Claim, ending: Ending): Promise<boolean>
  /** All trials, in the order in which they were added. */
  list(): Promise<Entry[]>
  counts(): Promise<Counts>
  /** No trial is claimed while it is paused; those that are running continue. */
  pause(paused: boolean): Promise<void>
  paused(): Promise<boolean>
  /** Lets failed trials wait again. @returns how many */
  retry(): Promise<number>
  /**
   * Something that holds for the whole experiment, such as the version of its workers. The first value stays.
   *
   * @returns the value that is kept; undefined if there is none and none was given
   */
  note(name: string, value?: string): Promise<string | undefined>
  /** Gives connections and files free. Claims that are held end with their leases. */
  close(): Promise<void>
}

export interface QueueOptions {
  /** Seconds until a dead worker's trial is given to another; default 10 on one machine, 30 on a server. */
  readonly lease?: number
  /** Who claims, as others see it; default `HOST:PROCESS`. */
  readonly worker?: string
  /** What all who take part must have in common, such as their version: the first one's is kept, others are rejected. */
  readonly version?: string
  /** Gets what a person should know: a server that may lose what it holds, or can't be reached. */
  readonly say?: (line: string) => void
}

/** How often a trial may throw, and lose its worker. */
export const limits = { failures: 3, lost: 20 } as const

/** What is reported of a trial that loses every worker. */
export const lostTooOften = `its worker died ${limits.lost} times: it may need more memory than a worker has`

/** As others see this process. */
export const ownName = (): string => `${hostname()}:${process.pid}`
