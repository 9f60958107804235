import * as v from 'valibot'
import { parseJson } from '@tricks/safetensors'
import { type BatchRecord, decodeBatch } from './batch.ts'
import { decodePredictions, type PredictionRecord } from './predictions.ts'
import {
  type EpochLine,
  firstIssue,
  lineSchema,
  type RunFacts,
  runSchema,
  type StepLine,
} from './schema.ts'

/** A run as read from its folder; missing files leave properties absent. */
export interface RunRecord {
  readonly name: string
  /** 'running', 'finished', 'aborted', 'failed', or a trick's reason to stop; 'unknown' without a run.json. */
  readonly state: string
  /** Whether a run in the state 'running' has a live process; absent if unknown. */
  readonly alive?: boolean
  /** `run.json`; only `state` if it is missing or damaged. */
  readonly run: RunFacts
  readonly steps: readonly StepLine[]
  readonly epochs: readonly EpochLine[]
  readonly test?: PredictionRecord
  /** For a run without test images. */
  readonly validation?: PredictionRecord
  readonly batch?: BatchRecord
  /** What could not be read and why, as sentences. */
  readonly damage: readonly string[]
}

/** The files of a run's folder; missing ones are absent. */
export interface RunFiles {
  readonly name: string
  readonly alive?: boolean
  /** `run.json` */
  readonly run?: string
  /** `metrics.jsonl` */
  readonly metrics?: string
  /** `test.safetensors`, by `encodePredictions` */
  readonly test?: Uint8Array
  /** `validation.safetensors`, by `encodePredictions` */
  readonly validation?: Uint8Array
  /** `batch.safetensors`, by `encodeBatch` */
  readonly batch?: Uint8Array
}

/**
 * Parses the files of a run. Never throws: damaged files are reported in `damage`.
 *
 * @example
 * const { epochs } = parseRun({ name: 'mine', metrics: readFileSync('runs/1/metrics.jsonl', 'utf8') })
 */
export function parseRun({ name, alive, run, metrics, batch, ...sets }: RunFiles): RunRecord {
  const damage: string[] = []
  const reading = <T>(file: string, read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      damage.push(`${file} can't be read: ${(error as Error).message}`)
      return undefined
    }
  }
  const predictions = (set: 'test' | 'validation'): Pick<RunRecord, typeof set> => {
    const file = sets[set]
    return file ? { [set]: reading(`${set}.safetensors`, () => decodePredictions(file)) } : {}
  }
  const facts = run === undefined ? undefined : reading('run.json', () => parseFacts(run))
  if (run === undefined) damage.push("run.json is missing, so the run's configuration is unknown.")
  const lines = linesOf(metrics ?? '', damage)
  return {
    name,
    state: facts?.state ?? 'unknown',
    ...(alive !== undefined && { alive }),
    run: facts ?? { state: 'unknown' },
    steps: lines.filter((line) => line.kind === 'step'),
    epochs: lines.filter((line) => line.kind === 'epoch'),
    ...predictions('test'),
    ...predictions('validation'),
    ...(batch && { batch: reading('batch.safetensors', () => decodeBatch(batch)) }),
    damage,
  }
}

/**
 * Parses and validates run.json.
 *
 * @throws Error saying what is wrong with it
 */
export function parseFacts(text: string): RunFacts {
  const found = v.safeParse(runSchema, parseJson(text))
  if (!found.success) throw new Error(firstIssue(found.issues))
  return found.output
}

function linesOf(text: string, damage: string[]): (StepLine | EpochLine)[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.flatMap((line, i) => {
    try {
      return [v.parse(lineSchema, parseJson(line)) as StepLine | EpochLine]
    } catch {
      damage.push(
        i === lines.length - 1
          ? 'The last line of metrics.jsonl is truncated, so it is ignored.'
          : `Line ${i + 1} of metrics.jsonl is damaged, so it is ignored.`,
      )
      return []
    }
  })
}
