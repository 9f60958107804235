import type { StopOptions } from './options.ts'

/** The state over the epochs so far, as JSON. */
export interface Progress {
  /** The best metric; null before the first. */
  readonly best: number | null
  /** The epoch of the best metric, from 0. */
  readonly epoch: number | null
  /** Epochs since the best. */
  readonly waited: number
}

export const start: Progress = { best: null, epoch: null, waited: 0 }

/** The state after another epoch. A loss of NaN counts as no improvement. */
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
