import {
  choice,
  defineOptions,
  defineParameters,
  integer,
  number,
  type OptionsOf,
} from '@tricks/core/options'

const name = 'reduce-on-plateau'
const waiting = {
  /** Factor by which a cut multiplies the rate. */
  factor: number({ above: 0, below: 1, default: 0.1 }),
  /** Epochs without improvement before a cut. */
  patience: integer({ min: 0, default: 10 }),
  /** The relative improvement over the best that counts. */
  threshold: number({ min: 0, below: 1, default: 1e-4 }),
  /** Epochs after a cut that don't count. */
  cooldown: integer({ min: 0, default: 0 }),
  /** The lowest rate. */
  min: number({ min: 0, default: 0 }),
}

export const reduceOnPlateauOptions = defineOptions(name, {
  /** The monitored metric. */
  monitor: choice(['validation loss', 'validation accuracy'], { default: 'validation loss' }),
  ...waiting,
})
export type ReduceOnPlateauOptions = OptionsOf<typeof reduceOnPlateauOptions>

export const parameters = defineParameters(name, {
  /** The initial rate. */
  rate: number({ above: 0 }),
  ...waiting,
  /** Whether smaller metrics are better ('min', a loss) or larger ones ('max', an accuracy). */
  mode: choice(['min', 'max'], { default: 'min' }),
})
export type PlateauOptions = OptionsOf<typeof parameters>
type Plateau = Omit<Required<PlateauOptions>, 'rate'>

/** The state of a plateau schedule, as JSON. */
export interface PlateauState {
  /** Null before the first metric. */
  readonly best: number | null
  /** Epochs since the best. */
  readonly bad: number
  /** Remaining epochs of the cooldown. */
  readonly cooling: number
  /** Number of cuts, which determines the rate. */
  readonly cuts: number
}

export const start: PlateauState = { best: null, bad: 0, cooling: 0, cuts: 0 }

/** The rate after a number of cuts: never below `min`, and without cuts of less than 1e-8. */
export function rateAfter(
  cuts: number,
  rate: number,
  { factor, min }: Pick<Plateau, 'factor' | 'min'>,
): number {
  let cut = rate
  for (let i = 0; i < cuts; i++) {
    const next = Math.max(cut * factor, min)
    if (cut - next <= 1e-8) break
    cut = next
  }
  return cut
}

/** The state after another metric. */
export function observe(
  { best, bad, cooling, cuts }: PlateauState,
  metric: number,
  { patience, threshold, cooldown, mode }: Plateau,
): PlateauState {
  const beats =
    best === null ||
    (mode === 'min' ? metric < best * (1 - threshold) : metric > best * (1 + threshold))
  // A loss of NaN is never the best.
  const better = beats && Number.isFinite(metric)
  // During the cooldown, no epoch counts as bad.
  const since = better || cooling > 0 ? 0 : bad + 1
  const kept = better ? metric : best
  if (since > patience) return { best: kept, bad: 0, cooling: cooldown, cuts: cuts + 1 }
  return { best: kept, bad: since, cooling: Math.max(0, cooling - 1), cuts }
}
