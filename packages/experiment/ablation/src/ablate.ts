import { type ChildProcess, fork } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { duration, replaceFile } from '@tricks/run'
import type { Precision } from '@tricks/train'
import { chartOf } from './chart.ts'
import { type Arm, armsOf, type Comparison } from './comparison.ts'
import { pageOf, type PageText } from './page.ts'
import { type About, readResults, type Regime, type Result, text } from './results.ts'
import { pairsOf, summarize, type Summary } from './summary.ts'
import type { Outcome } from './worker.ts'

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
  /** The module that worker processes run, which calls `serveArms`, and its arguments. */
  readonly worker: { readonly module: string; readonly arguments: readonly string[] }
  /** Texts for the results page. */
  readonly page: PageText
  readonly signal: AbortSignal
  /** Receives lines for the user. */
  readonly say?: (line: string) => void
}

/**
 * Trains both arms of every comparison once per seed, in separate processes, and writes the results: `runs.jsonl` with
 * a line per run, `summary.json`, `README.md` and `chart.svg`. Started again, it runs only what is missing.
 *
 * @returns the summaries so far
 * @throws Error if the folder contains an ablation with other settings, or if a run fails; finished runs are kept
 * @example
 * // The arms that a worker, a program that calls serveArms, trains:
 * const arm = (key: string) => ({ key, spec: { tricks: key.split(' + ') } })
 * const comparison = { name: 'cutout', kind: 'added', with: arm('crop + cutout'), without: arm('crop') }
 */
export async function ablate(options: AblateOptions): Promise<Summary[]> {
  const { out, comparisons, regime, precision, processes, signal, page } = options
  const say = options.say ?? console.log
  mkdirSync(out, { recursive: true })
  const about: About = { regime, versions: { tfjs: tf.version_core } }
  checkSame(join(out, 'about.json'), about)
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}`
  const on = `${machine}, ${precision}`
  const done = readResults(out)
  const queue = missing(done, on, options)
  const total = queue.length
  say(`${done.length} runs are done, ${total} to go, ${processes} at once, on ${regime.backend}`)

  const began = performance.now()
  let finished = 0
  const keep = ({ arm, seed }: Run, outcome: Outcome): void => {
    const result: Result = { arm: arm.key, seed, ...outcome, on }
    appendFileSync(join(out, 'runs.jsonl'), `${JSON.stringify(result)}\n`)
    const left = ((performance.now() - began) / ++finished / 1000) * (total - finished)
    const accuracy = (result.accuracy * 100).toFixed(2)
    say(`${finished}/${total}  ${accuracy} %  seed ${seed}  ${arm.key}  (${duration(left)} left)`)
    write(out, about, comparisons, page)
  }
  await Promise.all(
    Array.from({ length: Math.min(processes, total) }, () =>
      serve(options.worker, signal, () => queue.shift(), keep),
    ),
  )
  return write(out, about, comparisons, page)
}

function checkSame(file: string, about: About): void {
  if (!existsSync(file)) return replaceFile(file, text(about))
  const [then, now] = [readFileSync(file, 'utf8'), text(about)]
  if (then !== now)
    throw new Error(
      `ablate: the folder contains an ablation with other settings; choose another folder with --out\n  there ${then}\n  here  ${now}`,
    )
}

interface Run {
  readonly arm: Arm
  readonly seed: number
}

/**
 * The runs that are missing. Those that add a trick come first, for every seed: they are the most useful and the
 * fastest.
 */
function missing(
  done: readonly Result[],
  on: string,
  { comparisons, seeds }: Pick<AblateOptions, 'comparisons' | 'seeds'>,
): Run[] {
  const has = new Set(done.map((result) => `${result.on} ${result.seed} ${result.arm}`))
  const wanted = (['added', 'left out'] as const).flatMap((kind) =>
    Array.from({ length: seeds }, (_, seed) => {
      const lacking = comparisons.filter(
        (comparison) =>
          comparison.kind === kind &&
          !pairsOf(done, comparison).some(({ having }) => having.seed === seed),
      )
      return [...armsOf(lacking).values()].map((arm) => ({ arm, seed }))
    }).flat(),
  )
  return wanted.filter(({ arm, seed }) => {
    const key = `${on} ${seed} ${arm.key}`
    return !has.has(key) && has.add(key)
  })
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

/** Runs a process that trains jobs from `next` until there are none left. */
function serve(
  { module, arguments: given }: AblateOptions['worker'],
  signal: AbortSignal,
  next: () => Run | undefined,
  done: (run: Run, outcome: Outcome) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // Concurrent processes use the cores better than threads within such small steps.
    const env = { ...process.env, TF_NUM_INTRAOP_THREADS: '1', OMP_NUM_THREADS: '1' }
    const worker: ChildProcess = fork(module, given, { env })
    let run: Run | undefined
    let dismissed = false
    const dismiss = (): void => {
      dismissed = true
      worker.kill()
    }
    signal.addEventListener('abort', dismiss)
    worker.on('message', (message: 'ready' | Outcome | { error: string }) => {
      if (typeof message === 'object' && 'error' in message) {
        dismiss()
        const where = run ? `${run.arm.key}, seed ${run.seed}: ` : ''
        reject(new Error(`ablate: ${where}${message.error}`))
        return
      }
      if (message !== 'ready') done(run!, message)
      run = signal.aborted ? undefined : next()
      if (!run) dismiss()
      // If the process has died meanwhile, its exit event reports it.
      else worker.send({ spec: run.arm.spec, seed: run.seed }, () => undefined)
    })
    worker.on('exit', (code, killedBy) => {
      signal.removeEventListener('abort', dismiss)
      if (dismissed) {
        resolve()
        return
      }
      const when = run ? `in ${run.arm.key}, seed ${run.seed}` : 'while it started'
      reject(
        new Error(
          `ablate: a process died (${killedBy ?? `exit code ${code}`}) ${when}; finished runs are kept: ` +
            'start again, with fewer --processes if memory ran out',
        ),
      )
    })
    worker.on('error', reject)
  })
}
