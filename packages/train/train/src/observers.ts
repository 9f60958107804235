import { type Metrics, type Time } from '@tricks/core'
import { isDue, type RunPipeline } from '@tricks/core/run'

/** Running mean of steps' metrics, weighted by their images. */
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
 * Notifies each observer of a pipeline, at its interval, of the mean since its last notification.
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
  private readonly observers: RunPipeline['observe']

  constructor(observers: RunPipeline['observe']) {
    this.observers = observers
    this.means = observers.map(() => new Mean())
  }

  /** Adds the metrics of a step with the given number of images. */
  add(metrics: Metrics, images: number): void {
    for (const mean of this.means) mean.add(metrics, images)
  }

  /** Whether an observer is due after the step at `time`. */
  due(time: Time): boolean {
    return this.observers.some((observer) => isDue(observer.every, time))
  }

  /** Notifies the observers that are due after the step at `time`, if at least one of their steps was completed. */
  tell(time: Time): void {
    this.observers.forEach((observer, i) => {
      const mean = this.means[i]!
      if (isDue(observer.every, time) && !mean.empty) observer.metrics(mean.take(), time)
    })
  }
}
