import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile } from '@tricks/run'
import type { Precision } from '@tricks/train'
import type { Outcome } from './worker.ts'

/** Settings shared by all runs of an ablation. */
export interface Regime {
  readonly epochs: number
  readonly batchSize: number
  /** Number of images for training, for validation, and to measure results on. */
  readonly trainingImages: number
  readonly validationImages: number
  readonly measuredImages: number
  readonly backend: string
  /** The requested one; a result's `on` contains the one used. */
  readonly precision: Precision
  /** Other settings that must match: the recipe, the data. */
  readonly [fact: string]: string | number
}

/** Facts about an ablation as a whole. */
export interface About {
  readonly regime: Regime
  readonly versions: { readonly tfjs: string }
}

/** A line of `runs.jsonl`. */
export interface Result extends Outcome {
  readonly arm: string
  readonly seed: number
}

export const text = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

/**
 * Reads the runs so far, except a line that was truncated by a crash.
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
