import type { Epoch, Metrics, Time } from '@tricks/core'

export interface StepProgress extends Metrics {
  readonly kind: 'step'
  /** The last step done. */
  readonly time: Time
  readonly rate: number
  /** Training alone, since the last report. */
  readonly imagesPerSecond: number
  /** Steps skipped so far; absent where none was. */
  readonly skipped?: number
}

export interface EpochProgress extends Omit<Epoch, 'variables'> {
  readonly kind: 'epoch'
  readonly rate: number
  readonly seconds: number
  /** Steps skipped so far; absent where none was. */
  readonly skipped?: number
}

export type Progress = StepProgress | EpochProgress
