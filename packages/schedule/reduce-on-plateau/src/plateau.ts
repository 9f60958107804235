export interface PlateauOptions {
  /** The rate is multiplied by this at each cut, in (0, 1); the trick's default is 0.1. */
  readonly factor: number
  /** Metrics in a row that may be no better, a whole number; the trick's default is 10. */
  readonly patience: number
  /** By what share a metric has to be better, in [0, 1); default 1e-4. */
  readonly threshold?: number
  /** Metrics after a cut that count for nothing, a whole number; default 0. */
  readonly cooldown?: number
  /** The lowest rate, at least 0; default 0. A cut of 1e-8 or less is not made. */
  readonly min?: number
  /** Whether lower or higher is better; default 'min', and for a trick that of its metric. */
  readonly mode?: 'min' | 'max'
}

/** What has been seen so far. */
export interface Counts {
  readonly best: number | null
  /** Metrics in a row that were no better. */
  readonly bad: number
  /** Metrics still to be let pass. */
  readonly waiting: number
  readonly cuts: number
}

export const fresh: Counts = { best: null, bad: 0, waiting: 0, cuts: 0 }

/** What has been seen with one metric more. */
export function next(
  { best, bad, waiting, cuts }: Counts,
  metric: number,
  { patience, threshold, cooldown, mode }: Required<PlateauOptions>,
): Counts {
  const bound = (best ?? 0) * (mode === 'min' ? 1 - threshold : 1 + threshold)
  const better =
    Number.isFinite(metric) && (best === null || (mode === 'min' ? metric < bound : metric > bound))
  const inRow = better || waiting > 0 ? 0 : bad + 1
  const seen = { best: better ? metric : best, waiting: Math.max(0, waiting - 1) }
  return inRow > patience
    ? { ...seen, bad: 0, waiting: cooldown, cuts: cuts + 1 }
    : { ...seen, bad: inRow, cuts }
}

/** The rate after so many cuts. The state holds their number, so that a rate scaled before stays scaled. */
export function cut(
  rate: number,
  times: number,
  { factor, min }: Pick<Required<PlateauOptions>, 'factor' | 'min'>,
): number {
  for (let i = 0; i < times; i++) {
    const lower = Math.max(rate * factor, min)
    if (!(rate - lower > 1e-8)) break
    rate = lower
  }
  return rate
}
