import * as tf from '@tensorflow/tfjs-core'
import { type Metrics, type Observer, stepsOf, type Time } from '@tricks/core'
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
  /** For the report, for the epoch, and for each observer. */
  private readonly sums: readonly Sum[]
  private readonly observers: readonly Observer[]
  private readonly check: (values: ArrayLike<number>, step: Taken) => void

  /** @param check throws where a step's figures are not finite */
  constructor(
    observers: readonly Observer[],
    check: (values: ArrayLike<number>, step: Taken) => void,
  ) {
    this.observers = observers
    this.check = check
    this.sums = Array.from({ length: 2 + observers.length }, () => new Sum())
  }

  take(taken: Taken): void {
    this.queue.push(taken)
  }

  /** Whether somebody is to be told after this step. */
  due(time: Time): boolean {
    return this.observers.some((observer) => isDue(observer, time))
  }

  /**
   * Reads what is queued and tells the observers that are due after the step at `time`.
   *
   * @throws Error where a figure is NaN or infinite, naming the first such step
   */
  async read(time: Time): Promise<void> {
    await this.readQueue()
    this.observers.forEach((observer, i) => {
      const sum = this.sums[2 + i]!
      if (isDue(observer, time) && !sum.empty) observer.metrics(sum.take(), time)
    })
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
      for (const sum of this.sums) sum.add(figures[0]!, figures[1]!, step.size)
    })
  }

  /** Whether a step was taken since the last report. */
  get reports(): boolean {
    return !this.sums[0]!.empty
  }

  /** The metrics since the last report. */
  report(): Metrics {
    return this.sums[0]!.take()
  }

  /** The metrics since the last epoch's. */
  epoch(): Metrics {
    return this.sums[1]!.take()
  }

  /** What was read and not yet told. */
  save(): MeterState {
    return this.sums.map((sum) => sum.save())
  }

  restore(state: MeterState): void {
    this.sums.forEach((sum, i) => sum.restore(state[i]!))
  }

  dispose(): void {
    for (const { figures } of this.queue) figures.dispose()
    this.queue = []
  }
}

const isDue = ({ every }: Observer, time: Time): boolean =>
  (time.step + 1) % Math.max(1, stepsOf(every, time)) === 0

class Sum {
  private loss = 0
  private accuracy = 0
  private images = 0

  get empty(): boolean {
    return this.images === 0
  }

  add(loss: number, accuracy: number, size: number): void {
    this.loss += loss * size
    this.accuracy += accuracy * size
    this.images += size
  }

  save(): readonly [number, number, number] {
    return [this.loss, this.accuracy, this.images]
  }

  restore([loss, accuracy, images]: readonly [number, number, number]): void {
    Object.assign(this, { loss, accuracy, images })
  }

  take(): Metrics {
    const { loss, accuracy, images } = this
    this.loss = this.accuracy = this.images = 0
    return { loss: loss / images, accuracy: accuracy / images }
  }
}
