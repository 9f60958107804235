import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, compose, type Pipeline, type Trick } from '@tricks/core'
import {
  batchOf,
  describeTrick,
  drawsFor,
  fingerprintOf,
  imagesAlone,
  type Model,
  type Subset,
  takesLarger,
  textFingerprint,
} from '@tricks/train'
import { type FeatureStore, memoryStore } from './store.ts'

/** The features of some images, augmented or not. */
export interface FeatureBlock {
  /** One class number per row. */
  readonly labels: Int32Array
  /** `[rows, width]` in row-major order, read from the store. */
  read(): Float32Array
}

/** The features of a set of images, in blocks. */
export interface Features {
  /** Number of features per image. */
  readonly width: number
  readonly blocks: readonly FeatureBlock[]
}

export interface FeatureOptions {
  /** From normalised images to features, `[batch, width]`: see `splitHead`. */
  readonly model: Model
  readonly images: Subset
  /** The mean of each channel, subtracted from images in [0, 1]. */
  readonly mean: readonly number[]
  readonly deviation: readonly number[]
  /**
   * A list of tricks for each pass over the images; only image tricks act. Default: one pass without tricks. With
   * random tricks, each pass sees the images differently.
   * A pass that cuts windows of the set's size takes them from the set's larger images, if it has them.
   */
  readonly passes?: readonly (readonly Trick[])[]
  /** Seed of the tricks' draws; default 0. */
  readonly seed?: number
  /** Images that pass through the network at once; default 32. */
  readonly batchSize?: number
  /** Batches per stored block; an interrupted process continues after the last block. Default 8. */
  readonly batchesPerBlock?: number
  /** Where the features are stored; default in memory. */
  readonly store?: FeatureStore
  /** Called after each batch. */
  readonly onProgress?: (progress: FeatureProgress) => void
  readonly signal?: AbortSignal
}

export interface FeatureProgress {
  /** Images done, over all passes. */
  readonly done: number
  /** Images whose features were computed by this call, not found in the store. */
  readonly computed: number
  readonly total: number
}

/**
 * Computes the features of images with a fixed network, or reads them from the store. They are stored under a
 * name computed from the backend, weights, images, normalisation and tricks: another call with the same ones, even in
 * another process, reads them.
 *
 * @throws RangeError for an option out of its range; the signal's reason if it is aborted
 * @example
 * const images = { set: trainingImages, indices: Int32Array.of(0, 1, 2) }
 * const { features: network } = splitHead(model)
 * const features = await extractFeatures({ model: network, images, mean: [0.5], deviation: [0.25] })
 */
export async function extractFeatures(options: FeatureOptions): Promise<Features> {
  const { model, images, mean, deviation, passes = [[]], seed = 0 } = options
  const { batchSize = 32, batchesPerBlock = 8, store = memoryStore() } = options
  for (const [name, value] of Object.entries({ batchSize, batchesPerBlock }))
    assertArgument(
      Number.isInteger(value) && value >= 1,
      'features',
      { [name]: value },
      'a positive integer',
    )
  const { set, indices } = images
  const inputs = [
    // Backends differ in the last bits.
    tf.getBackend(),
    await fingerprintOf(model, images),
    mean,
    deviation,
    batchSize,
    batchesPerBlock,
  ]
  const stepsPerEpoch = Math.ceil(indices.length / batchSize)
  const blockSize = batchSize * batchesPerBlock
  const count = { done: 0, computed: 0, total: indices.length * passes.length }
  const blocks: FeatureBlock[] = []
  let width = 0
  for (const [pass, tricks] of passes.entries()) {
    const larger = takesLarger(tricks, set)
    const draws = tricks.length > 0 && [seed, pass, tricks.map(describeTrick), larger]
    const key = textFingerprint(JSON.stringify([...inputs, draws]))
    const pipeline = compose(tricks.map(imagesAlone), { seed, mean, deviation, stepsPerEpoch })
    for (let from = 0; from < indices.length; from += blockSize) {
      const to = Math.min(indices.length, from + blockSize)
      const name = `${key}-${from}`
      let values = store.read(name)
      if (!values) {
        values = await compute(options, pipeline, { from, to, batchSize, pass, larger }, count)
        store.write(name, values)
      } else count.done += to - from
      options.onProgress?.({ ...count })
      width = values.length / (to - from)
      const labels = indices.slice(from, to).map((index) => set.labels[index]!)
      blocks.push({ labels, read: () => readAgain(store, name) })
    }
  }
  return { width, blocks }
}

/** Reads a stored block again; the features are not held in memory, as they may not fit. */
function readAgain(store: FeatureStore, name: string): Float32Array {
  const values = store.read(name)
  if (!values)
    throw new Error(`features: ${name} is missing from the store. Extract the features again.`)
  return values
}

/** The features of the images `from` … `to`, batch by batch. */
async function compute(
  { model, images, onProgress, signal }: FeatureOptions,
  pipeline: Pipeline,
  at: { from: number; to: number; batchSize: number; pass: number; larger: boolean },
  count: { done: number; computed: number; total: number },
): Promise<Float32Array> {
  const parts: tf.TypedArray[] = []
  const steps = Math.ceil(images.indices.length / at.batchSize)
  for (let first = at.from; first < at.to; first += at.batchSize) {
    signal?.throwIfAborted()
    const last = Math.min(at.to, first + at.batchSize)
    const step = at.pass * steps + first / at.batchSize
    const features = tf.tidy(() => {
      const raw = batchOf(images, first, last, undefined, at.larger)
      const draws = drawsFor(pipeline, raw, step)
      const batch = pipeline.batch(raw.images, raw.targets, step, draws)
      return model.apply(batch.images, { training: false }) as tf.Tensor
    })
    parts.push(await features.data())
    features.dispose()
    count.done += last - first
    count.computed += last - first
    onProgress?.({ ...count })
  }
  const values = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let end = 0
  for (const part of parts) {
    values.set(part, end)
    end += part.length
  }
  return values
}

/**
 * Joins the features of several sets of images.
 *
 * @example
 * const features = (labels: number[]) => ({
 *   width: 1,
 *   blocks: [{ labels: Int32Array.from(labels), read: () => Float32Array.from(labels) }],
 * })
 * const both = joined(features([0, 1]), features([1])) // of three images
 */
export const joined = (...all: readonly Features[]): Features => ({
  width: all[0]!.width,
  blocks: all.flatMap(({ blocks }) => blocks),
})
