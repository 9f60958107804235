import { assertOption } from '@tricks/core'

export const name = 'early-stopping'

export interface StoppingOptions {
  /** Epochs in a row that may be no better, a positive integer; default 5. */
  readonly patience?: number
  /** By how much a metric has to be better, at least 0; default 0. */
  readonly minDelta?: number
  /** Whether lower or higher is better; default 'min', and for the trick that of its metric. */
  readonly mode?: 'min' | 'max'
}

/** The options with their defaults, once they are found to be in their ranges. */
export function resolve(options: StoppingOptions): Required<StoppingOptions> {
  const { patience = 5, minDelta = 0, mode = 'min' } = options
  const whole = Number.isInteger(patience) && patience > 0
  assertOption(whole, name, { patience }, 'a positive integer')
  const delta = minDelta >= 0 && Number.isFinite(minDelta)
  assertOption(delta, name, { minDelta }, 'a number of at least 0')
  assertOption(mode === 'min' || mode === 'max', name, { mode }, "'min' or 'max'")
  return { patience, minDelta, mode }
}

/** What has been seen so far. */
export interface Watch {
  readonly best: number | null
  /** That of the best metric. */
  readonly epoch: number | null
  /** Epochs in a row that were no better. */
  readonly bad: number
}

export const fresh: Watch = { best: null, epoch: null, bad: 0 }

/** What has been seen with one epoch more. */
export function next(
  { best, epoch: bestEpoch, bad }: Watch,
  metric: number,
  epoch: number,
  { minDelta, mode }: Required<StoppingOptions>,
): Watch {
  const gain = (metric - (best ?? 0)) * (mode === 'min' ? -1 : 1)
  // A metric that is no number is no better than any.
  const better = Number.isFinite(metric) && (best === null || gain > minDelta)
  return better ? { best: metric, epoch, bad: 0 } : { best, epoch: bestEpoch, bad: bad + 1 }
}
