import * as tf from '@tensorflow/tfjs-core'
import { createRandom, type DataFacts, oneHot, type Time } from '@tricks/core'
import { imagesOnDevice } from './device-images.ts'

/** Pixels that can be asked for by place: a `Uint8Array`, or something that reads them from a file. */
export interface Pixels {
  readonly length: number
  subarray(from: number, to: number): Uint8Array
}

/** Labelled images of one size. */
export interface ImageSet {
  /** NHWC, a byte a value. */
  readonly images: Pixels
  /** Class numbers from 0. */
  readonly labels: ArrayLike<number>
  readonly height: number
  readonly width: number
  readonly channels: number
  /** The classes' names, in the order of their numbers. */
  readonly classes: readonly string[]
}

/**
 * An image set and which of its images to use, so that a split copies nothing.
 */
export interface Subset {
  readonly set: ImageSet
  readonly indices: Int32Array
}

/** @throws Error naming what is wrong with the set */
export function checkImageSet(name: string, set: ImageSet): void {
  const { images, labels, height, width, channels, classes } = set
  const values = height * width * channels
  if (labels.length === 0) throw new Error(`train: the ${name} set is empty`)
  if (images.length !== labels.length * values)
    throw new Error(
      `train: the ${name} set has ${labels.length} labels, so expected ${labels.length * values} bytes ` +
        `of ${height}×${width}×${channels} images, got ${images.length}`,
    )
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!
    if (!(Number.isInteger(label) && label >= 0 && label < classes.length))
      throw new Error(
        `train: expected labels in [0, ${classes.length}), got ${label} at place ${i} of the ${name} set`,
      )
  }
}

/** @throws Error where a set that the model is evaluated on has other sizes or classes than the one it is trained on */
export function checkEvaluationSet(name: string, set: ImageSet, training: ImageSet): void {
  checkImageSet(name, set)
  for (const fact of ['height', 'width', 'channels'] as const)
    if (set[fact] !== training[fact])
      throw new Error(
        `train: the ${name} images' ${fact} is ${set[fact]}, the training images' ${training[fact]}`,
      )
  const [here, there] = [set.classes, training.classes]
  const same = here.length === there.length && here.every((each, i) => sameName(each, there[i]!))
  if (!same)
    throw new Error(
      `train: the ${name} set has other classes than the training set: ` +
        `${JSON.stringify(here)} and ${JSON.stringify(there)}`,
    )
}

/** File systems differ in how they write an accent: as a character of its own, or with its letter. */
const sameName = (one: string, other: string): boolean => one.normalize() === other.normalize()

export const wholeOf = (set: ImageSet): Subset => ({
  set,
  indices: Int32Array.from({ length: set.labels.length }, (_, i) => i),
})

/** The split is the same in every run, whatever the seed, so that runs can be compared. */
export function splitValidation(set: ImageSet, validation: number): [Subset, Subset] {
  const order = createRandom(0).fork('validation split').permutation(set.labels.length)
  // In the set's order, as the order of training comes from the run's seed alone.
  const training = order.slice(validation).toSorted()
  return [
    { set, indices: training },
    { set, indices: order.slice(0, validation).toSorted() },
  ]
}

/** Mean and deviation per channel, of images in [0, 1]. */
export function statisticsOf({ set, indices }: Subset): { mean: number[]; deviation: number[] } {
  const { images, height, width, channels } = set
  const values = height * width * channels
  // Whole numbers: exact, whatever the order.
  const counts = Array.from({ length: channels }, () => new Float64Array(256))
  for (const index of indices) {
    const image = images.subarray(index * values, (index + 1) * values)
    for (let i = 0; i < values; i += channels)
      for (let c = 0; c < channels; c++) counts[c]![image[i + c]!]!++
  }
  const total = indices.length * height * width
  const mean = counts.map((count) => count.reduce((sum, n, k) => sum + n * k, 0) / total / 255)
  const deviation = counts.map((count, c) =>
    Math.sqrt(count.reduce((sum, n, k) => sum + n * (k / 255 - mean[c]!) ** 2, 0) / total),
  )
  // A constant channel has nothing to scale.
  return { mean, deviation: deviation.map((value) => value || 1) }
}

const unit = Float32Array.from({ length: 256 }, (_, k) => k / 255)

/**
 * Images, float32 in [0, 1], and one-hot targets of the places `from` … `to`, in the order given.
 *
 * @example
 * const { images, targets } = batchOf({ set: trainingImages, indices: Int32Array.of(0, 1, 2, 3) }, 1, 3)
 */
export function batchOf(
  { set, indices }: Subset,
  from: number,
  to: number,
  order?: Int32Array,
): { images: tf.Tensor4D; targets: tf.Tensor2D } {
  const { height, width, channels } = set
  const values = height * width * channels
  const size = to - from
  const places = Int32Array.from(
    { length: size },
    (_, i) => indices[order ? order[from + i]! : from + i]!,
  )
  const labels = places.map((place) => set.labels[place]!)
  const targets = oneHot(labels, set.classes.length)
  const resident = imagesOnDevice(set, places)
  if (resident) return { images: resident, targets }
  const pixels = new Float32Array(size * values)
  places.forEach((place, i) => {
    const image = set.images.subarray(place * values, (place + 1) * values)
    for (let j = 0; j < values; j++) pixels[i * values + j] = unit[image[j]!]!
  })
  return { images: tf.tensor4d(pixels, [size, height, width, channels]), targets }
}

/** The training images in the order of a run. Any step's batch can be asked for: there is no state. */
export interface TrainingData {
  readonly facts: DataFacts
  /** The images for validation, kept apart or a set of their own; absent if there are none. */
  readonly heldOut?: Subset
  readonly stepsPerEpoch: number
  time(step: number): Time
  batch(step: number): { images: tf.Tensor4D; targets: tf.Tensor2D }
}

/**
 * The batches that `train` takes with the same options, without a model: to look at what a run saw.
 *
 * @param options.mean per channel, in [0, 1]; by default measured on the training images, as `deviation`
 * @param options.validation how many images are kept apart, by a fixed split, or a set of its own
 * @example
 * const data = openData({ train: trainingImages, validation: 5000, batchSize: 128, epochs: 30, seed: 0 })
 * const { images, targets } = data.batch(step)
 */
export function openData({
  train: set,
  mean,
  deviation,
  validation,
  batchSize,
  epochs,
  seed,
}: {
  readonly train: ImageSet
  readonly mean?: readonly number[]
  readonly deviation?: readonly number[]
  readonly validation: number | ImageSet
  readonly batchSize: number
  readonly epochs: number
  readonly seed: number
}): TrainingData {
  const [fitted, heldOut] =
    typeof validation === 'number'
      ? splitValidation(set, validation)
      : [wholeOf(set), wholeOf(validation)]
  const size = fitted.indices.length
  const stepsPerEpoch = Math.ceil(size / batchSize)
  const { height, width, channels } = set
  const statistics = mean && deviation ? { mean, deviation } : statisticsOf(fitted)
  const shuffled = { epoch: -1, order: new Int32Array() }
  return {
    facts: { size, height, width, channels, classes: set.classes.length, ...statistics },
    ...(heldOut.indices.length > 0 && { heldOut }),
    stepsPerEpoch,
    time: (step) => ({ step, stepsPerEpoch, steps: stepsPerEpoch * epochs }),
    batch(step) {
      const epoch = Math.floor(step / stepsPerEpoch)
      if (epoch !== shuffled.epoch)
        Object.assign(shuffled, {
          epoch,
          order: createRandom(seed).fork('order').at(epoch).permutation(size),
        })
      const from = (step % stepsPerEpoch) * batchSize
      return batchOf(fitted, from, Math.min(size, from + batchSize), shuffled.order)
    },
  }
}
