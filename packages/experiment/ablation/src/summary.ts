// jstat has no types. Compiling this file from source needs our declaration, which an import can't provide.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./jstat.d.ts" />
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import jstat from 'jstat'
import type { Comparison } from './comparison.ts'
import type { About, Result } from './results.ts'

/** A mean over seeds, with the half-width of its 95 % confidence interval. */
export interface Estimate {
  readonly mean: number
  readonly deviation: number
  readonly interval: number
}

export interface Summary {
  readonly name: string
  readonly kind: Comparison['kind']
  readonly remark?: string
  /** Number of seeds for which both arms have run. */
  readonly n: number
  readonly with: Estimate
  readonly without: Estimate
  /** Paired difference in accuracy, with minus without, as a fraction. */
  readonly effect: Estimate
  readonly calibration: Estimate
  readonly loss: Estimate
  /** CPU time per step relative to that without the trick. */
  readonly cost: number
}

/**
 * Summarises the comparisons; those without a pair of runs are omitted.
 *
 * @example
 * const none = summarize([], [])
 */
export function summarize(
  results: readonly Result[],
  comparisons: readonly Comparison[],
): Summary[] {
  return comparisons.flatMap((comparison) => {
    const pairs = pairsOf(results, comparison)
    if (pairs.length === 0) return []
    const difference = (of: (result: Result) => number): Estimate =>
      estimate(pairs.map(({ having, lacking }) => of(having) - of(lacking)))
    const stepCost = ({ wallClock, steps }: Result): number => wallClock.cpuSeconds / steps
    const { name, kind, remark } = comparison
    return {
      name,
      kind,
      ...(remark !== undefined && { remark }),
      n: pairs.length,
      with: estimate(pairs.map(({ having }) => having.accuracy)),
      without: estimate(pairs.map(({ lacking }) => lacking.accuracy)),
      effect: difference(({ accuracy }) => accuracy),
      calibration: difference(({ calibrationError }) => calibrationError),
      loss: difference(({ loss }) => loss),
      cost: median(pairs.map(({ having, lacking }) => stepCost(having) / stepCost(lacking))),
    }
  })
}

/** One pair per seed, in order: the first pair that a machine has trained in the same precision. */
export function pairsOf(
  results: readonly Result[],
  comparison: Comparison,
): { readonly having: Result; readonly lacking: Result }[] {
  const [having_, lacking_] = [comparison.with.key, comparison.without.key]
  const pairs = new Map<number, { having: Result; lacking: Result }>()
  for (const having of results.filter(({ arm }) => arm === having_)) {
    const lacking = results.find(
      ({ arm, seed, on }) => arm === lacking_ && seed === having.seed && on === having.on,
    )
    if (lacking && !pairs.has(having.seed)) pairs.set(having.seed, { having, lacking })
  }
  return [...pairs.values()].toSorted((a, b) => a.having.seed - b.having.seed)
}

/**
 * Mean, deviation and 95 % interval by Student's t; with one value there is no interval.
 *
 * @example
 * const { mean, interval } = estimate([0.01, 0.03, 0.02]) // 0.02 ± 0.025
 */
export function estimate(values: readonly number[]): Estimate {
  const n = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1))
  const interval = (jstat.studentt.inv(0.975, n - 1) * deviation) / Math.sqrt(n)
  return { mean, deviation, interval }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1]!

/** Whether the interval excludes zero. */
export const isClear = ({ mean, interval }: Estimate): boolean => Math.abs(mean) > interval

export const points = (share: number, digits = 2): string => {
  const text = (share * 100).toFixed(digits)
  return share > 0 && Number(text) !== 0 ? `+${text}` : text.replace('-', '−')
}

export const size = (share: number): string => (share * 100).toFixed(2)

/**
 * Formats an effect in percentage points with its interval, bold if that excludes zero.
 *
 * @example
 * effectText(estimate([0.01, 0.03, 0.02])) // '+2.00 ± 2.48'
 */
export function effectText(effect: Estimate): string {
  if (!Number.isFinite(effect.interval)) return points(effect.mean)
  const text = `${points(effect.mean)} ± ${size(effect.interval)}`
  return isClear(effect) ? `**${text}**` : text
}

/**
 * Reads `summary.json`.
 *
 * @example
 * // Of an ablation in this folder:
 * const effects = () => readSummary('runs/ablation').comparisons.map(({ name, effect }) => [name, effectText(effect)])
 */
export function readSummary(out: string): About & { readonly comparisons: readonly Summary[] } {
  return JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as ReturnType<
    typeof readSummary
  >
}
