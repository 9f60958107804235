import type { Epoch, Metrics, Time } from '@tricks/core'

export interface StepProgress extends Metrics {
  readonly kind: 'step'
  /** The last completed step. */
  readonly time: Time
  readonly rate: number
  /** Speed of training only, since the last report. */
  readonly imagesPerSecond: number
  /** Steps skipped so far; absent if none. */
  readonly skipped?: number
}

export interface EpochProgress extends Omit<Epoch, 'variables'> {
  readonly kind: 'epoch'
  readonly rate: number
  readonly seconds: number
  /** Steps skipped so far; absent if none. */
  readonly skipped?: number
}

export type Progress = StepProgress | EpochProgress
