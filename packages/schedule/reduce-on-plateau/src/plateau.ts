import { assertOption } from '@tricks/core'

const name = 'reduce-on-plateau'

export interface PlateauOptions {
  /** What the rate is multiplied by at a cut, in (0, 1); default 0.1. */
  readonly factor?: number
  /** Epochs without improvement that are put up with, a whole number; default 10. */
  readonly patience?: number
  /** The share of the best by which a metric has to be better, in [0, 1); default 1e-4. */
  readonly threshold?: number
  /** Epochs after a cut in which none is counted, a whole number; default 0. */
  readonly cooldown?: number
  /** The lowest rate, at least 0; default 0. */
  readonly min?: number
  /** Whether a small metric is good (a loss) or a large one (an accuracy); default 'min'. */
  readonly mode?: 'min' | 'max'
}

/** What a plateau remembers, as JSON. */
export interface PlateauState {
  /** Null before the first metric. */
  readonly best: number | null
  /** Epochs since the best. */
  readonly bad: number
  /** Epochs of cooling that are left. */
  readonly cooling: number
  /** The rate follows from their number. */
  readonly cuts: number
}

export const start: PlateauState = { best: null, bad: 0, cooling: 0, cuts: 0 }

/** The options with their defaults, checked. */
export function resolve({
  factor = 0.1,
  patience = 10,
  threshold = 1e-4,
  cooldown = 0,
  min = 0,
  mode = 'min',
}: PlateauOptions): Required<PlateauOptions> {
  const count = (value: number): boolean => Number.isInteger(value) && value >= 0
  assertOption(factor > 0 && factor < 1, name, { factor }, 'a number in (0, 1)')
  assertOption(count(patience), name, { patience }, 'a whole number of at least 0')
  assertOption(threshold >= 0 && threshold < 1, name, { threshold }, 'a number in [0, 1)')
  assertOption(count(cooldown), name, { cooldown }, 'a whole number of at least 0')
  assertOption(min >= 0 && Number.isFinite(min), name, { min }, 'a number of at least 0')
  assertOption(mode === 'min' || mode === 'max', name, { mode }, "'min' or 'max'")
  return { factor, patience, threshold, cooldown, min, mode }
}

/** The rate after some cuts: none goes below `min`, and one of less than 1e-8 is not made. */
export function rateAfter(
  cuts: number,
  rate: number,
  { factor, min }: Required<PlateauOptions>,
): number {
  let cut = rate
  for (let i = 0; i < cuts; i++) {
    const next = Math.max(cut * factor, min)
    if (cut - next <= 1e-8) break
    cut = next
  }
  return cut
}

/** What is remembered after one more metric. */
export function observe(
  { best, bad, cooling, cuts }: PlateauState,
  metric: number,
  { patience, threshold, cooldown, mode }: Required<PlateauOptions>,
): PlateauState {
  const beats =
    best === null ||
    (mode === 'min' ? metric < best * (1 - threshold) : metric > best * (1 + threshold))
  // A loss of NaN is never the best.
  const better = beats && Number.isFinite(metric)
  // While it cools, no epoch counts as bad.
  const since = better || cooling > 0 ? 0 : bad + 1
  const kept = better ? metric : best
  if (since > patience) return { best: kept, bad: 0, cooling: cooldown, cuts: cuts + 1 }
  return { best: kept, bad: since, cooling: Math.max(0, cooling - 1), cuts }
}
