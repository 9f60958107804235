import * as tf from '@tensorflow/tfjs-core'
import type { Metrics, Time } from '@tricks/core'
import type { RunPipeline } from '@tricks/core/run'
import { Mean, Observers } from './observers.ts'
import { type Measured, type Measures, readMeasures } from './measures.ts'

/** A completed step. */
export interface Taken {
  readonly time: Time
  readonly rate: number
  /** Images. */
  readonly size: number
  readonly measures: Measures
}

export type MeterState = readonly (readonly [number, number, number])[]

/**
 * Collects training losses and accuracies on the device and reads many at once, as each read waits for the device.
 * Observers receive the mean since their last report.
 */
export class Meter {
  private queue: Taken[] = []
  private readonly sinceReport: Mean = new Mean()
  private readonly sinceEpoch: Mean = new Mean()
  private readonly observers: Observers
  private readonly check: (measured: Measured, step: Taken) => void

  /** @param check throws if a step's results are not finite */
  constructor(observers: RunPipeline['observe'], check: (measured: Measured, step: Taken) => void) {
    this.observers = new Observers(observers)
    this.check = check
  }

  take(taken: Taken): void {
    this.queue.push(taken)
  }

  /** Whether an observer is due after this step. */
  due(time: Time): boolean {
    return this.observers.due(time)
  }

  /**
   * Reads the queued results and notifies the observers that are due after the step at `time`.
   *
   * @throws Error if a loss or gradient is NaN or infinite, naming the first such step
   */
  async read(time: Time): Promise<void> {
    await this.readQueue()
    this.observers.tell(time)
  }

  private async readQueue(): Promise<void> {
    const taken = this.queue
    if (taken.length === 0) return
    this.queue = []
    const measured = await readMeasures(taken.map(({ measures }) => measures))
    taken.forEach((step, i) => {
      this.check(measured[i]!, step)
      for (const to of [this.sinceReport, this.sinceEpoch, this.observers])
        to.add(measured[i]!.metrics, step.size)
    })
  }

  /** Whether a step was completed since the last report. */
  get reports(): boolean {
    return !this.sinceReport.empty
  }

  /** The metrics since the last report. */
  report(): Metrics {
    return this.sinceReport.take()
  }

  /** The metrics since the last epoch's. */
  epoch(): Metrics {
    return this.sinceEpoch.take()
  }

  /** Results that were read but not yet reported. */
  save(): MeterState {
    return this.means.map((mean) => mean.save())
  }

  restore(state: MeterState): void {
    this.means.forEach((mean, i) => mean.restore(state[i]!))
  }

  private get means(): readonly Mean[] {
    return [this.sinceReport, this.sinceEpoch, ...this.observers.means]
  }

  dispose(): void {
    for (const { measures } of this.queue) tf.dispose([measures.metrics, measures.gradientSums])
    this.queue = []
  }
}
