import * as tf from '@tensorflow/tfjs-core'
import type { Metrics, Pipeline, Time } from '@tricks/core'
import { Mean, Observers } from './observers.ts'
import type { Figures } from './step.ts'

/** A step that was taken. */
export interface Taken {
  readonly time: Time
  readonly rate: number
  /** Images. */
  readonly size: number
  readonly figures: Figures
}

export type MeterState = readonly (readonly [number, number, number])[]

/**
 * Training losses and accuracies, left on the device and read many at once, as a read waits for the
 * device. Whoever observes gets the mean since it last was told.
 */
export class Meter {
  private queue: Taken[] = []
  private readonly sinceReport: Mean = new Mean()
  private readonly sinceEpoch: Mean = new Mean()
  private readonly observers: Observers
  private readonly check: (values: ArrayLike<number>, step: Taken) => void

  /** @param check throws where a step's figures are not finite */
  constructor(
    observers: Pipeline['observe'],
    check: (values: ArrayLike<number>, step: Taken) => void,
  ) {
    this.observers = new Observers(observers)
    this.check = check
  }

  take(taken: Taken): void {
    this.queue.push(taken)
  }

  /** Whether somebody is to be told after this step. */
  due(time: Time): boolean {
    return this.observers.due(time)
  }

  /**
   * Reads what is queued and tells the observers that are due after the step at `time`.
   *
   * @throws Error where a figure is NaN or infinite, naming the first such step
   */
  async read(time: Time): Promise<void> {
    await this.readQueue()
    this.observers.tell(time)
  }

  private async readQueue(): Promise<void> {
    const taken = this.queue
    if (taken.length === 0) return
    this.queue = []
    const stacked = tf.stack(taken.map(({ figures }) => figures))
    const values = await stacked.data()
    tf.dispose([stacked, ...taken.map(({ figures }) => figures)])
    const width = values.length / taken.length
    taken.forEach((step, i) => {
      const figures = values.slice(i * width, (i + 1) * width)
      this.check(figures, step)
      const metrics = { loss: figures[0]!, accuracy: figures[1]! }
      for (const to of [this.sinceReport, this.sinceEpoch, this.observers])
        to.add(metrics, step.size)
    })
  }

  /** Whether a step was taken since the last report. */
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

  /** What was read and not yet told. */
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
    for (const { figures } of this.queue) figures.dispose()
    this.queue = []
  }
}
