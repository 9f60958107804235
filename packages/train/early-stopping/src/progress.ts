import { assertOption } from '@tricks/core'

const name = 'early-stopping'

export interface StopOptions {
  /** Epochs running without improvement that end training, a positive integer; default 10. */
  readonly patience?: number
  /** What an improvement has to be more than, at least 0, in the metric's unit; default 0. */
  readonly minDelta?: number
  /** Whether a small metric is good (a loss) or a large one (an accuracy). */
  readonly mode?: 'min' | 'max'
}

/** What is known of the epochs so far, as JSON. */
export interface Progress {
  /** The best metric; null before the first. */
  readonly best: number | null
  /** Its epoch, from 0. */
  readonly epoch: number | null
  /** Epochs since. */
  readonly waited: number
}

export const start: Progress = { best: null, epoch: null, waited: 0 }

/** The options with their defaults, checked. */
export function resolve({
  patience = 10,
  minDelta = 0,
  mode = 'min',
}: StopOptions): Required<StopOptions> {
  const count = Number.isInteger(patience) && patience > 0
  assertOption(count, name, { patience }, 'a positive integer')
  const delta = minDelta >= 0 && Number.isFinite(minDelta)
  assertOption(delta, name, { minDelta }, 'a number of at least 0')
  assertOption(mode === 'min' || mode === 'max', name, { mode }, "'min' or 'max'")
  return { patience, minDelta, mode }
}

/** What is known after one more epoch. A loss of NaN is no improvement. */
export function observe(
  progress: Progress,
  epoch: number,
  metric: number,
  { minDelta, mode }: Required<StopOptions>,
): Progress {
  const { best, waited } = progress
  const gain = best === null ? Infinity : mode === 'min' ? best - metric : metric - best
  if (gain > minDelta && Number.isFinite(metric)) return { best: metric, epoch, waited: 0 }
  return { ...progress, waited: waited + 1 }
}
