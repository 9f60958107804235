import { fork } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs-core'
import { type BackendName, useBackend } from '@tricks/backend'
import { replaceFile } from '@tricks/checkpoint'
import { loadCifar10 } from '@tricks/cifar10'
import { assertArgument, type Metrics } from '@tricks/core'
import { createModel } from '@tricks/models'
import { lackOf, type Precision, train } from '@tricks/train'
import { duration } from '../progress.ts'
import { recipes } from '../recipes.ts'
import { openRunFolder } from '../run-folder.ts'
import { hasModel } from '../teacher.ts'
import { type Arm, armsOf, comparisons, keyOfArm } from './arms.ts'
import { chartOf } from './chart.ts'
import { imagesOf } from './images.ts'
import { pageOf, pairsOf, summarize, type Summary } from './summary.ts'

/** What all runs of an ablation have in common. */
export interface Regime {
  readonly epochs: number
  readonly batchSize: number
  /** Fitted to, a tenth as many kept for early stopping, and those that the results are measured on. */
  readonly trainingImages: number
  readonly validationImages: number
  readonly measuredImages: number
  readonly backend: BackendName
  /** The one asked for: a result's `on` tells the one that was to be had. */
  readonly precision: Precision
}

/** What is true of an ablation as a whole. */
export interface About {
  readonly regime: Regime
  readonly versions: { readonly tfjs: string }
}

export interface Job {
  readonly arm: Arm
  readonly seed: number
}

/** What came of a run, on images that it was not trained on. */
export interface Outcome extends Metrics {
  readonly calibrationError: number
  /** Of the last epoch. */
  readonly training: Metrics
  readonly steps: number
  readonly wallClock: { readonly cpuSeconds: number }
}

/** A line of `runs.jsonl`. */
export interface Result extends Outcome {
  readonly arm: string
  readonly seed: number
  /** The machine and the precision: an ablation may go on elsewhere, and a pair is of one place. */
  readonly on: string
}

export interface AblateOptions extends Regime {
  /** Where it is kept; an ablation that is there goes on. */
  readonly out: string
  /** Seeds 0 … seeds − 1, each for both sides of a comparison. */
  readonly seeds: number
  /** How many train at once, a thread each. */
  readonly processes: number
  readonly signal: AbortSignal
  /** Default all. */
  readonly only?: readonly string[]
}

/**
 * Trains every arm of every comparison once a seed, in processes of their own, and writes what came of it: `runs.jsonl`
 * a line a run, `summary.json`, `README.md` and `chart.svg`. Started again it does what is not yet done.
 */
export async function ablate(options: AblateOptions): Promise<void> {
  const { out, seeds, processes, signal, only, ...regime } = options
  const wanted = comparisons.filter(({ name }) => only?.includes(name) ?? true)
  assertArgument(wanted.length > 0, 'ablate', { only }, 'names of comparisons')
  mkdirSync(out, { recursive: true })
  const { name: backend } = await useBackend(regime.backend)
  const about: About = { regime: { ...regime, backend }, versions: { tfjs: tf.version_core } }
  const file = join(out, 'about.json')
  if (existsSync(file)) {
    const [then, now] = [readFileSync(file, 'utf8'), text(about)]
    if (then !== now)
      throw new Error(
        `ablate: ${out} holds an ablation of another kind; take another folder\n  there ${then}\n  here  ${now}`,
      )
  } else replaceFile(file, text(about))

  const lack = lackOf(regime.precision)
  if (lack !== undefined) console.log(`In float32, not ${regime.precision}: ${lack}`)
  const precision = lack === undefined ? regime.precision : 'float32'
  const here: Regime = { ...about.regime, precision }
  const teacher = join(out, 'teacher')
  const wantsTeacher = [...armsOf(wanted).values()].some(({ tricks }) =>
    tricks.includes('distillation'),
  )
  if (wantsTeacher && !hasModel(teacher)) await teach(teacher, here)

  const done = readResults(out)
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}`
  const on = `${machine}, ${precision}`
  const has = new Set(done.map((result) => `${result.on} ${result.seed} ${result.arm}`))
  // What the tricks add comes first, for every seed: it is wanted most, and takes least.
  const queue = (['added', 'left out'] as const)
    .flatMap((kind) =>
      Array.from({ length: seeds }, (_, seed) => {
        const lacking = wanted.filter(
          (comparison) =>
            comparison.kind === kind &&
            !pairsOf(done, comparison).some(({ having }) => having.seed === seed),
        )
        return [...armsOf(lacking).values()].map((arm) => ({ arm, seed }))
      }).flat(),
    )
    .filter(({ arm, seed }) => {
      const key = `${on} ${seed} ${keyOfArm(arm)}`
      return !has.has(key) && has.add(key)
    })
  const total = queue.length
  console.log(`${done.length} runs are there, ${total} to go, ${processes} at once, on ${backend}`)

  const began = performance.now()
  let finished = 0
  await Promise.all(
    Array.from({ length: Math.min(processes, total) }, () =>
      serve({ regime: here, teacher, signal, next: () => queue.shift() }, (job, outcome) => {
        const result: Result = { arm: keyOfArm(job.arm), seed: job.seed, ...outcome, on }
        appendFileSync(join(out, 'runs.jsonl'), `${JSON.stringify(result)}\n`)
        const left = ((performance.now() - began) / ++finished / 1000) * (total - finished)
        const accuracy = (result.accuracy * 100).toFixed(2)
        console.log(
          `${finished}/${total}  ${accuracy} %  seed ${result.seed}  ${result.arm}  (${duration(left)} left)`,
        )
        write(out, about)
      }),
    ),
  )
  write(out, about)
}

/** Trains the teacher of distillation, on the images that its pupils see. */
async function teach(path: string, regime: Regime): Promise<void> {
  console.log('Training the teacher that the others distil from')
  const { train: images } = imagesOf((await loadCifar10()).train, regime)
  const { modelOptions, batchSize, optimizer, tricks } = recipes.teacher
  const model = createModel('plain', { ...modelOptions, seed: 0 })
  const { validationImages: validation, precision } = regime
  const result = await train({
    model,
    data: { train: images },
    tricks: tricks(),
    optimizer: optimizer(),
    epochs: regime.epochs,
    batchSize,
    validation,
    precision,
  })
  const folder = openRunFolder(path)
  folder.describe({ mean: result.mean, deviation: result.deviation, epochs: result.epochs.length })
  await folder.saveModel(model, result)
  folder.close()
  model.dispose()
}

/** The page, the chart and the summary of what is there by now. */
export function write(out: string, about: About): void {
  const results = readResults(out)
  const summaries = summarize(results, comparisons)
  const machines = [...new Set(results.map(({ on }) => on))]
  replaceFile(join(out, 'summary.json'), text({ ...about, machines, comparisons: summaries }))
  replaceFile(join(out, 'README.md'), pageOf(about, { summaries, machines }))
  replaceFile(join(out, 'chart.svg'), chartOf(summaries))
}

/** What `summary.json` says. */
export function readSummary(out: string): About & { readonly comparisons: readonly Summary[] } {
  return JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as ReturnType<
    typeof readSummary
  >
}

const text = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

/** The runs so far; a line that was cut when the machine stopped is none. */
export function readResults(out: string): Result[] {
  const file = join(out, 'runs.jsonl')
  if (!existsSync(file)) return []
  const whole = readFileSync(file, 'utf8')
  const complete = whole.slice(0, whole.lastIndexOf('\n') + 1)
  if (complete.length < whole.length) replaceFile(file, complete)
  return complete
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Result)
}

/** A process that trains what `next` gives until there is no more. */
function serve(
  {
    regime,
    teacher,
    signal,
    next,
  }: { regime: Regime; teacher: string; signal: AbortSignal; next: () => Job | undefined },
  done: (job: Job, outcome: Outcome) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = fork(
      fileURLToPath(new URL('worker.ts', import.meta.url)),
      [JSON.stringify(regime), teacher],
      {
        // Processes side by side use the cores better than threads within a step this small.
        env: { ...process.env, TF_NUM_INTRAOP_THREADS: '1', OMP_NUM_THREADS: '1' },
      },
    )
    let job: Job | undefined
    let dismissed = false
    const dismiss = (): void => {
      dismissed = true
      worker.kill()
    }
    signal.addEventListener('abort', dismiss)
    worker.on('message', (message: 'ready' | Outcome | { error: string }) => {
      if (typeof message === 'object' && 'error' in message) {
        dismiss()
        reject(new Error(`ablate: ${keyOfArm(job!.arm)}, seed ${job!.seed}: ${message.error}`))
        return
      }
      if (message !== 'ready') done(job!, message)
      job = signal.aborted ? undefined : next()
      if (!job) dismiss()
      // Where it has died meanwhile, its exit tells so.
      else worker.send(job, () => undefined)
    })
    worker.on('exit', (code, killedBy) => {
      signal.removeEventListener('abort', dismiss)
      if (dismissed) {
        resolve()
        return
      }
      const when = job ? `in ${keyOfArm(job.arm)}, seed ${job.seed}` : 'while it started'
      reject(
        new Error(
          `ablate: a process died (${killedBy ?? `exit code ${code}`}) ${when}; ` +
            'what was done is kept: start it again, with fewer --processes if memory ran out',
        ),
      )
    })
    worker.on('error', reject)
  })
}
