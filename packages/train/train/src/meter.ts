import * as tf from '@tensorflow/tfjs-core'
import { keyOf, type Metrics, type Observer, stepsOf, type Time, type Trick } from '@tricks/core'

interface Taken {
  readonly time: Time
  readonly rate: number
  readonly size: number
  readonly loss: tf.Scalar
  readonly accuracy: tf.Scalar
}

/**
 * Training losses and accuracies, left on the device and read many at once, as a read waits for the
 * device. Whoever observes gets the mean since it last was told.
 */
export class Meter {
  private queue: Taken[] = []
  private readonly sums: Map<Observer | 'epoch', Sum> = new Map()
  private readonly observers: readonly Observer[]
  private readonly tricks: readonly Trick[]

  constructor(observers: readonly Observer[], tricks: readonly Trick[]) {
    this.observers = observers
    this.tricks = tricks
    for (const observer of [...observers, 'epoch' as const]) this.sums.set(observer, new Sum())
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
  async read(): Promise<(Metrics & { readonly rate: number }) | undefined> {
    const taken = this.queue
    const last = taken.at(-1)
    if (!last) return undefined
    this.queue = []
    const scalars = taken.flatMap(({ loss, accuracy }) => [loss, accuracy])
    const stacked = tf.stack(scalars)
    const values = await stacked.data()
    tf.dispose([stacked, ...scalars])

    const recent = new Sum()
    taken.forEach(({ time, rate, size }, i) => {
      const [loss, accuracy] = [values[2 * i]!, values[2 * i + 1]!]
      if (!Number.isFinite(loss)) throw this.notFinite(loss, time, rate)
      recent.add(loss, accuracy, size)
      for (const sum of this.sums.values()) sum.add(loss, accuracy, size)
    })
    for (const observer of this.observers)
      if (isDue(observer, last.time)) observer.metrics(this.sums.get(observer)!.take(), last.time)
    return { ...recent.take(), rate: last.rate }
  }

  /** The metrics since the last epoch's. */
  epoch(): Metrics {
    return this.sums.get('epoch')!.take()
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

  take(): Metrics {
    const { loss, accuracy, images } = this
    this.loss = this.accuracy = this.images = 0
    return { loss: loss / images, accuracy: accuracy / images }
  }
}
