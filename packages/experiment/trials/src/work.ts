import { setTimeout as wait } from 'node:timers/promises'
import { type Child, childOf, type Result } from './child.ts'
import { keepTrying } from './patience.ts'
import type { Claim, Ending, Queue } from './queue.ts'
import { attemptFolder, attemptsAt, forget } from './storage.ts'

export interface WorkOptions {
  /** The module of a child process, which calls `serveTrials`. */
  readonly module: string
  /** A folder for checkpoints, shared by all workers of the experiment. */
  readonly storage: string
  /** Number of concurrent trials, one process and one thread each. */
  readonly processes: number
  /** Stops the worker; running trials are returned to the queue. */
  readonly signal: AbortSignal
  /** The kind of this machine, for an experiment that is bound to one kind. */
  readonly machine?: string
  /** Stops the worker after this many seconds without waiting or running trials; default never. */
  readonly untilIdle?: number
  readonly say?: (line: string) => void
}

/** How long a child may take to write a last checkpoint, in milliseconds. */
const grace = 10_000
/** Polling interval, in milliseconds. */
const pause = 300

/**
 * Claims trials and trains them in child processes until the signal aborts. A claim is renewed after every third of its
 * lease; if it is lost because the machine slept or was disconnected, the child is killed and its results are ignored.
 *
 * @throws Error if the storage folder can't be written, or the experiment is bound to another kind of machine; the
 * trials are returned to the queue
 * @example
 * import type { Queue } from '@tricks/trials'
 *
 * export const worker = (queue: Queue, signal: AbortSignal) =>
 *   workOn(queue, { module: './train-one.js', storage: '/shared/storage', processes: 2, signal })
 */
export async function workOn(queue: Queue, options: WorkOptions): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const slots = Array.from({ length: options.processes }, () => slot(queue, { ...options, signal }))
  const ended = await Promise.allSettled(
    slots.map((each) =>
      each.catch((error: unknown) => {
        stop.abort()
        throw error
      }),
    ),
  )
  const failed = ended.find((each) => each.status === 'rejected')
  if (failed) throw failed.reason
}

/** Trains one trial after the other. */
async function slot(queue: Queue, options: WorkOptions): Promise<void> {
  const { signal, untilIdle = Infinity, machine, say } = options
  const child = childOf(options.module)
  let busy = Date.now()
  let checked = false
  try {
    while (!signal.aborted) {
      const claim = await nextClaim(queue, signal, say)
      if (claim) {
        checked ||=
          (await keepTrying(() => checkMachine(queue, claim, machine), signal, say)) === true
        await attempt(queue, claim, child, options)
        busy = Date.now()
        continue
      }
      await wait(pause, undefined, { signal }).catch(() => undefined)
      if (Date.now() - busy < untilIdle * 1000) continue
      const counts = await keepTrying(() => queue.counts(), signal, say)
      if (!counts || counts.waiting + counts.running === 0) return
      busy = Date.now()
    }
  } finally {
    await child.end(0)
  }
}

/**
 * Claims a trial. If the worker was stopped meanwhile, the trial is returned: otherwise it would be blocked until its
 * lease ends.
 */
async function nextClaim(
  queue: Queue,
  signal: AbortSignal,
  say: WorkOptions['say'],
): Promise<Claim | undefined> {
  let last: Promise<Claim | undefined> | undefined
  const claimOrGiveBack = async (): Promise<Claim | undefined> => {
    const claim = await queue.claim()
    if (!claim || !signal.aborted) return claim
    await queue.finish(claim, 'given back')
    return undefined
  }
  const claim = await keepTrying(() => (last = claimOrGiveBack()), signal, say)
  if (!claim && last && signal.aborted)
    await Promise.race([last.catch(() => undefined), wait(2000, undefined, { ref: false })])
  return claim
}

/**
 * Checks that this machine is of the kind that the experiment is bound to, that of its first worker.
 *
 * @throws RangeError if it isn't; the trial is returned to the queue
 */
async function checkMachine(queue: Queue, claim: Claim, machine = 'unknown'): Promise<true> {
  if ((await queue.note('bound to a machine')) !== 'yes') return true
  const bound = await queue.note('machine', machine)
  if (bound === machine) return true
  await queue.finish(claim, 'given back')
  throw new RangeError(
    `trials: this experiment compares pairs of runs, which must use the same kind of machine: it runs on ${bound}, but this is ${machine}. ` +
      'Start another experiment for it (?experiment=NAME).',
  )
}

/** Trains a claimed trial, and reports the result. */
async function attempt(
  queue: Queue,
  claim: Claim,
  child: Child,
  options: WorkOptions,
): Promise<void> {
  const { storage, signal, say = () => undefined } = options
  const { trial } = claim
  if (signal.aborted) return void (await queue.finish(claim, 'given back'))
  let share: number | undefined
  let lost = false
  const over = new AbortController()
  const renewing = (async () => {
    for (;;) {
      await wait(queue.lease / 3, undefined, { signal: over.signal })
      lost = !(await queue.renew(claim, share).catch(() => true))
      if (lost) return child.end(0)
    }
  })().catch(() => undefined)
  const giveBack = (): void => void child.end(grace)
  signal.addEventListener('abort', giveBack)
  let result: Result
  try {
    const earlier = attemptsAt(storage, trial.id)
    const folder = attemptFolder(storage, claim)
    result = await child.train({ trial, storage, folder, earlier }, (done) => (share = done))
  } catch (error) {
    result = { error: (error as Error).message, storage: true }
  }
  signal.removeEventListener('abort', giveBack)
  over.abort()
  // The client may wait while the server is down.
  await Promise.race([renewing, wait(1000, undefined, { ref: false })])
  if (lost) return say(`${trial.id}: its lease ended, and another worker has claimed it`)

  const ending: Ending =
    'outcome' in result
      ? { outcome: result.outcome }
      : signal.aborted || result.storage
        ? 'given back'
        : { error: result.error }
  // Finished work is worth waiting for a server's restart.
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), signal.aborted ? grace : queue.lease * 10)
  const accepted = await keepTrying(() => queue.finish(claim, ending), patience.signal, say)
  clearTimeout(timer)
  if (accepted && 'outcome' in result && result.outcome.checkpoint === undefined)
    forget(storage, trial.id)
  if ('error' in result && result.storage)
    throw new Error(
      `trials: can't write to the storage folder ${storage} (${result.error}); running trials are returned to the queue`,
    )
  if (accepted === false) say(`${trial.id}: result rejected, as another worker has claimed it`)
  else if ('error' in result && !signal.aborted) say(`${trial.id}: ${result.error}`)
}
