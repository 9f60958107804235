import { setTimeout as wait } from 'node:timers/promises'
import { keepTrying } from './patience.ts'
import type { Entry, Queue } from './queue.ts'
import type { Trial } from './trial.ts'
import { workOn, type WorkOptions } from './work.ts'

export interface SettleOptions {
  /** Stops waiting; the trials settled so far are returned. */
  readonly signal?: AbortSignal
  /** Called with each settled trial, in any order, including those settled before the call. */
  readonly onSettled?: (entry: Entry) => void
  /** Polling interval in milliseconds; default 300. */
  readonly every?: number
  readonly say?: (line: string) => void
}

/**
 * Adds trials and waits until each has finished or failed. All state is in the queue: a restarted driver that calls it
 * again continues where it stopped.
 *
 * @returns the trials' entries in order, without those that were unsettled when the signal came
 * @example
 * // A search by generations: each is a function of the results of the one before, so nothing needs saving.
 * const queue = await openTrials('runs/search')
 * const first = [1, 2].map((seed) => trialOf({ kind: 'arm', config: {}, seed, budget: 1 }))
 * async function search(next: (results: Awaited<ReturnType<typeof settle>>) => typeof first) {
 *   let results = await settle(queue, first)
 *   for (let generation = 1; generation < 40; generation++) results = await settle(queue, next(results))
 *   return results
 * }
 * await queue.close()
 */
export async function settle(
  queue: Queue,
  trials: readonly Trial[],
  { signal = new AbortController().signal, onSettled, every = 300, say }: SettleOptions = {},
): Promise<Entry[]> {
  const patiently = <T>(act: () => Promise<T>): Promise<T | undefined> =>
    keepTrying(act, signal, say)
  await patiently(() => queue.add(trials))
  const wanted = new Set(trials.map(({ id }) => id))
  const settled = new Map<string, Entry>()
  let seen = -1
  while (settled.size < wanted.size && !signal.aborted) {
    const { finished = 0, failed = 0 } = (await patiently(() => queue.counts())) ?? {}
    // Listing thousands of trials is slow on a server, counting them is fast.
    if (finished + failed !== seen) {
      const entries = ((await patiently(() => queue.list())) ?? []).filter(isSettled)
      // If a trial changed its state while they were listed, fewer are found than were counted: look again.
      seen = entries.length
      for (const entry of entries) {
        const { id } = entry.trial
        if (!wanted.has(id) || settled.has(id)) continue
        settled.set(id, entry)
        onSettled?.(entry)
      }
    }
    if (settled.size < wanted.size) await wait(every, undefined, { signal }).catch(() => undefined)
  }
  return trials.flatMap(({ id }) => settled.get(id) ?? [])
}

const isSettled = ({ state }: Entry): boolean => state === 'finished' || state === 'failed'

/**
 * Runs a driver with its own workers until it returns.
 *
 * @throws the driver's error, or the workers' if they can't continue
 * @example
 * // On this machine, two at once, from a module that calls serveTrials:
 * const queue = await openTrials('runs/sweep')
 * const sweep = (trials: Parameters<typeof settle>[1]) =>
 *   withWorkers(queue, { module: './train-one.js', storage: 'runs/sweep', processes: 2 }, (signal) =>
 *     settle(queue, trials, { signal }),
 *   )
 * await queue.close()
 */
export async function withWorkers<T>(
  queue: Queue,
  options: Omit<WorkOptions, 'signal' | 'untilIdle'> & { readonly signal?: AbortSignal },
  driver: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  const broken = new AbortController()
  const outside = options.signal ? [options.signal] : []
  const working = workOn(queue, {
    ...options,
    signal: AbortSignal.any([over.signal, ...outside]),
  }).finally(() => broken.abort())
  const driving = driver(AbortSignal.any([broken.signal, ...outside])).finally(() => over.abort())
  const [worked, driven] = await Promise.allSettled([working, driving])
  if (worked.status === 'rejected') throw worked.reason
  if (driven.status === 'rejected') throw driven.reason
  return driven.value
}
