import jstat from 'jstat'
import { type Comparison, keyOfArm } from './arms.ts'
import type { Result } from './ablate.ts'

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
  /** Seeds that both sides have. */
  readonly n: number
  readonly with: Estimate
  readonly without: Estimate
  /** Of accuracy, pair by pair: with less without, as a share. */
  readonly effect: Estimate
  readonly calibration: Estimate
  readonly loss: Estimate
  /** How many times the processor's time of a step without it. */
  readonly cost: number
}

/** What each comparison shows by now; those without a pair of runs are left out. */
export function summarize(
  results: readonly Result[],
  comparisons: readonly Comparison[],
): Summary[] {
  const runs = new Map(results.map((result) => [`${result.seed} ${result.arm}`, result]))
  const seeds = [...new Set(results.map(({ seed }) => seed))].toSorted((a, b) => a - b)
  return comparisons.flatMap((comparison) => {
    const pairs = seeds.flatMap((seed) => {
      const having = runs.get(`${seed} ${keyOfArm(comparison.with)}`)
      const lacking = runs.get(`${seed} ${keyOfArm(comparison.without)}`)
      return having && lacking ? [{ having, lacking }] : []
    })
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

/** Student's t: with one value there is no interval. */
export function estimate(values: readonly number[]): Estimate {
  const n = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1))
  const interval = (jstat.studentt.inv(0.975, n - 1) * deviation) / Math.sqrt(n)
  return { mean, deviation, interval }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1]!

/** Whether the interval leaves zero out. */
export const isClear = ({ mean, interval }: Estimate): boolean => Math.abs(mean) > interval

const points = (share: number, digits = 2): string => {
  const text = (share * 100).toFixed(digits)
  return share > 0 && Number(text) !== 0 ? `+${text}` : text.replace('-', '−')
}

const size = (share: number): string => (share * 100).toFixed(2)

/** An effect in percentage points with its interval, bold where that leaves zero out. */
export function effectText(effect: Estimate): string {
  if (!Number.isFinite(effect.interval)) return points(effect.mean)
  const text = `${points(effect.mean)} ± ${size(effect.interval)}`
  return isClear(effect) ? `**${text}**` : text
}

export function tableOf(summaries: readonly Summary[]): string {
  const rows = (kind: Summary['kind'], heads: readonly string[]): string[] => [
    `| ${heads.join(' | ')} |`,
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...summaries
      .filter((summary) => summary.kind === kind)
      .map((summary) => {
        const accuracy = ({ mean, deviation }: Estimate): string =>
          Number.isFinite(deviation) ? `${size(mean)} ± ${size(deviation)}` : size(mean)
        return `| ${[
          summary.name + (summary.remark ? ` (${summary.remark})` : ''),
          accuracy(summary.without),
          accuracy(summary.with),
          effectText(summary.effect),
          points(summary.calibration.mean, 1),
          `×${summary.cost.toFixed(2)}`,
          summary.n,
        ].join(' | ')} |`
      }),
  ]
  return [
    ...rows('added', ['trick', 'without', 'with', 'effect', 'calibration error', 'time', 'n']),
    '',
    ...rows('left out', [
      'left out of all',
      'without',
      'with',
      'effect of having it',
      'calibration error',
      'time',
      'n',
    ]),
    '',
  ].join('\n')
}
