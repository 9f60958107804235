import { isDue, type Metrics, type Pipeline, type Time } from '@tricks/core'

/** Means of steps' metrics, weighted by their images, since they were last taken. */
export class Mean {
  private loss = 0
  private accuracy = 0
  private images = 0

  get empty(): boolean {
    return this.images === 0
  }

  add({ loss, accuracy }: Metrics, images: number): void {
    this.loss += loss * images
    this.accuracy += accuracy * images
    this.images += images
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

/**
 * Tells each observer of a pipeline, as often as it asks, the mean since it was last told.
 *
 * @example
 * const { pipeline, data } = openRun(options)
 * const observers = new Observers(pipeline.observe)
 * observers.add({ loss: 1.2, accuracy: 0.5 }, 128)
 * observers.tell(data.time(0))
 */
export class Observers {
  /** In the order of the observers. */
  readonly means: readonly Mean[]
  private readonly observers: Pipeline['observe']

  constructor(observers: Pipeline['observe']) {
    this.observers = observers
    this.means = observers.map(() => new Mean())
  }

  /** Takes the metrics of a step of so many images. */
  add(metrics: Metrics, images: number): void {
    for (const mean of this.means) mean.add(metrics, images)
  }

  /** Whether somebody is to be told after the step at `time`. */
  due(time: Time): boolean {
    return this.observers.some((observer) => isDue(observer.every, time))
  }

  /** Tells those that are due after the step at `time`, and of whose steps one was taken. */
  tell(time: Time): void {
    this.observers.forEach((observer, i) => {
      const mean = this.means[i]!
      if (isDue(observer.every, time) && !mean.empty) observer.metrics(mean.take(), time)
    })
  }
}
