import * as tf from '@tensorflow/tfjs-core'
import {
  assertArgument,
  type Batch,
  createRandom,
  type DataFacts,
  type Draws,
  oneHot,
  type Pipeline,
  type Time,
  type Trick,
  type When,
} from '@tricks/core'
import { assertNormalization } from '@tricks/core/run'
import { checkEvaluationSet, checkImageSet } from './check-data.ts'
import { imagesOnDevice } from './device-images.ts'
import { type ImageSet, type Subset, allImages, takesLarger } from './image-set.ts'
import { balancedOrder, repeatedOrder } from './order.ts'
import { countsOf, mostValidation, splitValidation } from './split.ts'

/** Mean and standard deviation per channel, of images in [0, 1]. */
export function statisticsOf({ set, indices }: Subset): { mean: number[]; deviation: number[] } {
  const { images, height, width, channels } = set
  const values = height * width * channels
  // Integers, so the result is exact in any order.
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
  // A constant channel needs no scaling.
  return { mean, deviation: deviation.map((value) => value || 1) }
}

/** Images and targets, with the index of each in its set. */
export interface IndexedBatch extends Batch {
  readonly indices: Int32Array
}

/**
 * The tricks' draws for a batch of a step, with the index of each image in its set.
 *
 * @example
 * const { pipeline, data } = openRun({ model, data: { train: trainingImages }, tricks, optimizer, epochs: 10 })
 * const raw = data.batch(step)
 * const time = data.time(step)
 * const batch = pipeline.batch(raw.images, raw.targets, time, drawsFor(pipeline, raw, time))
 */
export function drawsFor(
  pipeline: Pick<Pipeline, 'draw'>,
  { images, targets, indices }: IndexedBatch,
  when: When,
): Draws {
  const [batch, height, width, channels] = images.shape
  const shape = { batch, height, width, channels, classes: targets.shape[1], indices }
  return pipeline.draw(shape, when)
}

const unit = Float32Array.from({ length: 256 }, (_, k) => k / 255)

/**
 * The images and one-hot targets at positions `from` … `to` of the given order; images are float32 in [0, 1].
 *
 * @example
 * const { images, targets } = batchOf({ set: trainingImages, indices: Int32Array.of(0, 1, 2, 3) }, 1, 3)
 */
export function batchOf(
  { set, indices }: Subset,
  from: number,
  to: number,
  order?: Int32Array,
  larger = false,
): IndexedBatch {
  const { channels } = set
  const { images, height, width } = (larger ? set.larger : undefined) ?? set
  const values = height * width * channels
  const size = to - from
  const own = Int32Array.from(
    { length: size },
    (_, i) => indices[order ? order[from + i]! : from + i]!,
  )
  const labels = own.map((index) => set.labels[index]!)
  const targets = set.targets ? rowsOf(set, set.targets, own) : oneHot(labels, set.classes.length)
  const resident = larger ? undefined : imagesOnDevice(set, own)
  if (resident) return { images: resident, targets, indices: own }
  const pixels = new Float32Array(size * values)
  own.forEach((index, i) => {
    const image = images.subarray(index * values, (index + 1) * values)
    for (let j = 0; j < values; j++) pixels[i * values + j] = unit[image[j]!]!
  })
  const stacked = tf.tensor4d(pixels, [size, height, width, channels])
  return { images: stacked, targets, indices: own }
}

/** The targets of some images with several labels. */
function rowsOf(
  { classes }: ImageSet,
  targets: ArrayLike<number>,
  images: Int32Array,
): tf.Tensor2D {
  const [rows, width] = [images.length, classes.length]
  const values = new Float32Array(rows * width)
  images.forEach((image, row) => {
    for (let i = 0; i < width; i++) values[row * width + i] = targets[image * width + i]!
  })
  return tf.tensor2d(values, [rows, width])
}

/** The training images in the order of a run. Stateless: the batch of any step can be read. */
export interface TrainingData {
  readonly facts: DataFacts
  /** The validation images, held out or a separate set; absent without any. */
  readonly heldOut?: Subset
  readonly stepsPerEpoch: number
  time(step: number): Time
  batch(step: number): IndexedBatch
}

/** Whether a number is a positive integer. */
export const whole = (value: number): boolean => Number.isInteger(value) && value >= 1

/** Whether it is a number of epochs: an integer of at least 0. */
export const isLength = (value: number): boolean => Number.isInteger(value) && value >= 0

/** Which images `openData` trains on, and in which order. */
export interface DataOptions {
  readonly train: ImageSet
  /** Per channel, in [0, 1], or one number for all; by default measured on the images used for training. */
  readonly mean?: readonly number[]
  /** Per channel, in (0, 1], or one number for all; by default measured, also if only `mean` is given. */
  readonly deviation?: readonly number[]
  /**
   * How many images to hold out, by a fixed stratified split in which each class keeps an image for training; or a
   * separate set. Default a tenth.
   */
  readonly validation?: number | ImageSet
  readonly batchSize: number
  readonly epochs: number
  readonly seed: number
  /** Use all classes equally often, regardless of their numbers of images; default false: each image once per epoch. */
  readonly balanced?: boolean
  /**
   * Copies of an image in a batch, one after another, each augmented with its own draws; default 1. An epoch has as many
   * steps as without copies, so it uses a random part of the images.
   */
  readonly repeats?: number
  /**
   * The tricks that the batches are for: if one of them crops windows, batches contain the set's larger images; see
   * `takesLarger`.
   */
  readonly tricks?: readonly Trick[]
}

/**
 * The batches that `train` uses with the same options, without a model, to inspect a run's input.
 *
 * @throws Error for invalid data, naming the problem and how to convert the data
 * @example
 * const data = openData({ train: trainingImages, validation: 5000, batchSize: 128, epochs: 30, seed: 0 })
 * const { images, targets } = data.batch(step)
 */
export function openData(options: DataOptions): TrainingData {
  const {
    train: set,
    batchSize,
    epochs,
    seed,
    balanced = false,
    repeats = 1,
    tricks = [],
  } = options
  assertArgument(whole(batchSize), 'openData', { batchSize }, 'a positive integer')
  assertArgument(isLength(epochs), 'openData', { epochs }, 'an integer of at least 0')
  assertArgument(whole(repeats), 'openData', { repeats }, 'a positive integer')
  const [fitted, heldOut] = splitOf(options)
  const size = fitted.indices.length
  const stepsPerEpoch = Math.ceil(size / batchSize)
  const { height, width, channels } = set
  const larger = takesLarger(tricks, set)
  const statistics = normalizationOf(options, fitted)
  const orders = createRandom(seed, 'openData').fork('order')
  const shuffled = { epoch: -1, order: new Int32Array() }
  const orderOf = (epoch: number): Int32Array => {
    const random = orders.at(epoch)
    const labels = (): Int32Array => fitted.indices.map((index) => set.labels[index]!)
    const order = balanced ? balancedOrder(labels(), random) : random.permutation(size)
    return repeatedOrder(order, repeats)
  }
  return {
    facts: { size, height, width, channels, classes: set.classes.length, ...statistics },
    ...(heldOut.indices.length > 0 && { heldOut }),
    stepsPerEpoch,
    time: (step) => ({ step, stepsPerEpoch, steps: stepsPerEpoch * epochs }),
    batch(step) {
      const epoch = Math.floor(step / stepsPerEpoch)
      if (epoch !== shuffled.epoch) Object.assign(shuffled, { epoch, order: orderOf(epoch) })
      const from = (step % stepsPerEpoch) * batchSize
      return batchOf(fitted, from, Math.min(size, from + batchSize), shuffled.order, larger)
    },
  }
}

function splitOf({ train: set, validation: requested }: DataOptions): [Subset, Subset] {
  const labels = checkImageSet('training', set)
  const counts = countsOf(labels, set.classes.length)
  const without = set.classes.filter((_, label) => counts[label] === 0)
  if (without.length > 0)
    throw new Error(
      `train: there are no training images of the class ${without.map((name) => `'${name}'`).join(', ')}: ` +
        'add images, or remove it from classes',
    )
  const most = mostValidation(counts)
  const { validation = Math.min(Math.floor(labels.length / 10), most) } = { validation: requested }
  if (typeof validation === 'object') {
    checkEvaluationSet('validation', validation, set)
    return [allImages(set), allImages(validation)]
  }
  assertArgument(
    Number.isInteger(validation) && validation >= 0 && validation <= most,
    'train',
    { validation },
    `a whole number of the ${labels.length} training images, at most ${most}, as each class keeps one for training`,
  )
  return splitValidation(set, labels, validation)
}

function normalizationOf(
  { train: { channels }, mean, deviation }: DataOptions,
  fitted: Subset,
): Pick<DataFacts, 'mean' | 'deviation'> {
  assertNormalization('train', { mean, deviation })
  const given = Object.entries({ mean, deviation }).flatMap(([name, values]) => {
    if (!values) return []
    const each = values.length === 1 ? Array<number>(channels).fill(values[0]!) : [...values]
    const range = `a list of ${channels} numbers, one per channel`
    assertArgument(each.length === channels, 'train', { [name]: values }, range)
    return [[name, each] as const]
  })
  const measured = given.length < 2 ? statisticsOf(fitted) : {}
  return { ...measured, ...Object.fromEntries(given) } as ReturnType<typeof normalizationOf>
}
