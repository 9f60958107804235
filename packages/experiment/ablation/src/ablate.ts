import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import type { Json } from '@tricks/core'
import { duration, replaceFile } from '@tricks/run'
import type { Precision } from '@tricks/train'
import { type Entry, openTrials, type Queue, settle, type Trial, withWorkers } from '@tricks/trials'
import { chartOf } from './chart.ts'
import type { Comparison } from './comparison.ts'
import { pageOf, type PageText } from './page.ts'
import { type About, readResults, type Regime, type Result, text } from './results.ts'
import { isArm, missing, resultOf, trialFor } from './runs.ts'
import { summarize, type Summary } from './summary.ts'
import { machineOf } from './worker.ts'

export interface AblateOptions {
  /** The folder for the results; an existing one is resumed. */
  readonly out: string
  readonly comparisons: readonly Comparison[]
  readonly regime: Regime
  /** The precision used on this machine. */
  readonly precision: Precision
  /** Seeds 0 … seeds − 1, each for both arms of a comparison. */
  readonly seeds: number
  /** Number of concurrent runs, one thread each. */
  readonly processes: number
  /** The module that worker processes run, which calls `serveTrials({ arm: armProgram(train) })`. */
  readonly worker: string
  /** Settings shared by all arms, passed to the workers. */
  readonly setup: Json
  /** Trains with the workers of a server's queue instead of with processes on this machine. */
  readonly server?: {
    /** `redis://…` or `postgres://…`. */
    readonly queue: string
    /** The version of this program; workers with another are rejected. */
    readonly version: string
  }
  /** Texts for the results page. */
  readonly page: PageText
  readonly signal: AbortSignal
  /** Called with progress lines for the user. */
  readonly say?: (line: string) => void
}

/**
 * Trains both arms of every comparison once per seed, in separate processes, and writes the results: `runs.jsonl` with
 * a line per run, `summary.json`, `README.md` and `chart.svg`. Started again, it runs only what is missing. A process
 * that dies is replaced, and its run resumes from its last checkpoint.
 *
 * @returns the summaries so far
 * @throws Error if the folder contains an ablation with other settings, or if a run fails; finished runs are kept
 * @example
 * // The arms that a worker, a program that calls serveTrials, trains:
 * const arm = (key: string) => ({ key, spec: { tricks: key.split(' + ') } })
 * const comparison = { name: 'cutout', kind: 'added', with: arm('crop + cutout'), without: arm('crop') }
 */
export async function ablate(options: AblateOptions): Promise<Summary[]> {
  const { out, comparisons, regime, server } = options
  const { say = console.log } = options
  mkdirSync(out, { recursive: true })
  const about: About = { regime, versions: { tfjs: tf.version_core } }
  checkSame(join(out, 'about.json'), about)
  const queue = await openTrials(server?.queue ?? out, {
    say,
    ...(server && { version: server.version }),
  })
  try {
    // Workers on several machines may take part, but only on one kind of machine.
    if (server) await queue.note('bound to a machine', 'yes')
    await trainMissing(queue, { ...options, say }, (results) => {
      replaceFile(
        join(out, 'runs.jsonl'),
        results.map((each) => `${JSON.stringify(each)}\n`).join(''),
      )
      write(out, about, comparisons, options.page)
    })
  } finally {
    await queue.close()
  }
  return write(out, about, comparisons, options.page)
}

/**
 * Trains what is missing. The results are in the order in which their trials were added, whichever finished first, and
 * after those that were in the file before there was a queue.
 */
async function trainMissing(
  queue: Queue,
  options: AblateOptions & { readonly say: (line: string) => void },
  keep: (results: readonly Result[]) => void,
): Promise<void> {
  const { out, regime, precision, processes, setup, server, signal, say } = options
  const on = server ? undefined : machineOf(precision)
  const known = (await queue.list()).filter(({ trial }) => isArm(trial, setup))
  const finished = new Map<string, Result>()
  for (const entry of known)
    if (entry.state === 'finished') finished.set(entry.trial.id, resultOf(entry))
  const inQueue = new Set([...finished.values()].map(keyOf))
  const before = readResults(out).filter((result) => !inQueue.has(keyOf(result)))
  const order = new Set(known.map(({ trial }) => trial.id))
  const results = (): Result[] => [...before, ...[...order].flatMap((id) => finished.get(id) ?? [])]

  const done = results()
  const trials = missing(done, on, options).map((run) =>
    trialFor(run, setup, { on, epochs: regime.epochs }),
  )
  for (const { id } of trials) order.add(id)
  const where = server ? `by the workers on ${queue.name}` : `${processes} at once`
  say(`${done.length} runs are done, ${trials.length} to go, ${where}, on ${regime.backend}`)
  if (done.length > 0) keep(done)
  // Starting the command again also retries failed runs.
  await queue.retry()

  const began = performance.now()
  const stop = new AbortController()
  const interrupt = (): void => stop.abort()
  signal.addEventListener('abort', interrupt)
  if (signal.aborted) interrupt()
  let failed: Entry | undefined
  const onSettled = (entry: Entry): void => {
    if (entry.state === 'failed') {
      failed ??= entry
      return stop.abort()
    }
    const result = resultOf(entry)
    finished.set(entry.trial.id, result)
    const count = results().length - done.length
    const left = ((performance.now() - began) / count / 1000) * (trials.length - count)
    const accuracy = (result.accuracy * 100).toFixed(2)
    say(
      `${count}/${trials.length}  ${accuracy} %  seed ${result.seed}  ${result.arm}  (${duration(left)} left)`,
    )
    keep(results())
  }
  const driver = (broken: AbortSignal): Promise<Entry[]> =>
    settle(queue, trials, { signal: broken, onSettled, say })
  if (server || trials.length === 0) await driver(stop.signal)
  else
    await withWorkers(
      queue,
      {
        module: options.worker,
        storage: out,
        processes: Math.min(processes, trials.length),
        signal: stop.signal,
        say,
      },
      driver,
    )
  signal.removeEventListener('abort', interrupt)
  if (failed) throw failureOf(failed)
}

/** Identifies a run in the file and in the queue. */
const keyOf = ({ on, seed, arm }: Result): string => `${on} ${seed} ${arm}`

function failureOf({ trial, error = 'unknown error' }: Entry): Error {
  const { arm } = trial.config as { readonly arm: string } & Trial['config']
  const remedy = error.startsWith('a process died')
    ? 'start it again, with fewer --processes if memory ran out'
    : 'start it again to retry'
  return new Error(
    `ablate: ${arm}, seed ${trial.seed}: ${error}; finished runs are kept: ${remedy}`,
  )
}

function checkSame(file: string, about: About): void {
  if (!existsSync(file)) return replaceFile(file, text(about))
  const [then, now] = [readFileSync(file, 'utf8'), text(about)]
  if (then !== now)
    throw new Error(
      `ablate: the folder contains an ablation with other settings; choose another folder with --out\n  there ${then}\n  here  ${now}`,
    )
}

/**
 * Writes the page, the chart and the summary of the runs so far.
 *
 * @example
 * const about = { regime: { epochs: 1, batchSize: 8, trainingImages: 80, validationImages: 8, measuredImages: 20, backend: 'wasm', precision: 'float32' as const }, versions: { tfjs: tf.version_core } }
 * mkdirSync('runs/ablation', { recursive: true })
 * write('runs/ablation', about, [], { title: 'Cutout', about: [], again: 'Run it again.' })
 */
export function write(
  out: string,
  about: About,
  comparisons: readonly Comparison[],
  page: PageText,
): Summary[] {
  const results = readResults(out)
  const summaries = summarize(results, comparisons)
  const machines = [...new Set(results.map(({ on }) => on))]
  replaceFile(join(out, 'summary.json'), text({ ...about, machines, comparisons: summaries }))
  replaceFile(join(out, 'README.md'), pageOf(page, { summaries, machines }))
  replaceFile(join(out, 'chart.svg'), chartOf(summaries))
  return summaries
}
