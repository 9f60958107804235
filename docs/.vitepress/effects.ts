// Formats the ablation's effects.
import type { Comparison } from './ablation.data.ts'

/** A share as percentage points: 0.057 is 5.7. */
export const points = (share: number): string => (share * 100).toFixed(1).replace('-', '−')

/** An effect with its sign, and its 95 % interval if there is more than one pair of runs. */
export function effectText({ effect: { mean, interval } }: Comparison): string {
  const signed = (mean > 0 ? '+' : '') + points(mean)
  return interval === null ? signed : `${signed} ± ${points(interval)}`
}

/** Whether the interval excludes zero. */
export const isClear = ({ effect: { mean, interval } }: Comparison): boolean =>
  interval !== null && Math.abs(mean) > interval

export const pairs = (n: number): string => (n === 1 ? 'one pair of runs' : `n = ${n}`)
