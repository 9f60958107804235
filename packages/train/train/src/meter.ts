import * as tf from '@tensorflow/tfjs-core'
import { keyOf, type Metrics, type Observer, stepsOf, type Time, type Trick } from '@tricks/core'

interface Taken {
  readonly time: Time
  readonly rate: number
  readonly size: number
  readonly loss: tf.Scalar
  readonly accuracy: tf.Scalar
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
  private readonly tricks: readonly Trick[]

  constructor(observers: readonly Observer[], tricks: readonly Trick[]) {
    this.observers = observers
    this.tricks = tricks
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
   * Reads what is queued and tells the observers that are due.
   *
   * @throws Error where a loss is NaN or infinite, naming the first such step
   */
  async read(): Promise<void> {
    const taken = this.queue
    const last = taken.at(-1)
    if (!last) return
    this.queue = []
    const scalars = taken.flatMap(({ loss, accuracy }) => [loss, accuracy])
    const stacked = tf.stack(scalars)
    const values = await stacked.data()
    tf.dispose([stacked, ...scalars])
    taken.forEach(({ time, rate, size }, i) => {
      const [loss, accuracy] = [values[2 * i]!, values[2 * i + 1]!]
      if (!Number.isFinite(loss)) throw this.notFinite(loss, time, rate)
      for (const sum of this.sums) sum.add(loss, accuracy, size)
    })
    this.observers.forEach((observer, i) => {
      if (isDue(observer, last.time)) observer.metrics(this.sums[2 + i]!.take(), last.time)
    })
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
    for (const { loss, accuracy } of this.queue) tf.dispose([loss, accuracy])
    this.queue = []
  }

  private notFinite(loss: number, { step }: Time, rate: number): Error {
    const tricks = this.tricks.map(keyOf).join(', ') || 'none'
    return new Error(
      `train: the loss is ${loss} at step ${step} (learning rate ${rate}; tricks: ${tricks}). ` +
        `Try a smaller learning rate or a warm-up, or leave a trick out.`,
    )
  }
}

const isDue = ({ every }: Observer, time: Time): boolean =>
  (time.step + 1) % Math.max(1, stepsOf(every, time)) === 0

class Sum {
  private loss = 0
  private accuracy = 0
  private images = 0

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
