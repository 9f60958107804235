import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile } from '@tricks/run'
import type { Precision } from '@tricks/train'
import type { Outcome } from './worker.ts'

/** What all runs of an ablation have in common. */
export interface Regime {
  readonly epochs: number
  readonly batchSize: number
  /** Trained on; kept for validation; and others that the results are measured on. */
  readonly trainingImages: number
  readonly validationImages: number
  readonly measuredImages: number
  readonly backend: string
  /** The one asked for: a result's `on` says which one it was. */
  readonly precision: Precision
  /** What else has to be the same: the recipe, the data. */
  readonly [fact: string]: string | number
}

/** What is true of an ablation as a whole. */
export interface About {
  readonly regime: Regime
  readonly versions: { readonly tfjs: string }
}

/** A line of `runs.jsonl`. */
export interface Result extends Outcome {
  readonly arm: string
  readonly seed: number
  /** The machine and the precision: an ablation may be continued elsewhere, and a pair is from one place. */
  readonly on: string
}

export const text = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

/**
 * The runs so far, without a line that was truncated when the machine stopped.
 *
 * @example
 * const results = readResults('runs/ablation') // [] before the first run is done
 */
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
