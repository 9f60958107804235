import * as tf from '@tensorflow/tfjs-core'
import { type Batch, type Time, type Traced, type Trick } from '@tricks/core'
import { composeRun, keyOf } from '@tricks/core/run'
import {
  batchOf,
  drawsFor,
  type ImageSet,
  type IndexedBatch,
  type TrainingData,
} from '@tricks/train'
import type { Picture } from './record/pictures.ts'

/** Rows of pictures: the originals, then one row per trick, with the draws as captions. */
export interface Sheet {
  readonly rows: readonly SheetRow[]
}

export interface SheetRow {
  /** The trick's key, or 'original'. */
  readonly label: string
  readonly tiles: readonly Tile[]
}

export interface Tile {
  /** One picture, or all partners in a mixed image. */
  readonly pictures: readonly Picture[]
  /** Lines of text; empty if nothing was drawn for the picture. */
  readonly captions: readonly string[]
}

export interface SheetOptions {
  readonly tricks: readonly Trick[]
  /** The run's seed, default 0. */
  readonly seed?: number
  /** The data's mean per channel, in [0, 1]. */
  readonly mean: readonly number[]
  /** Class names. */
  readonly classes: readonly string[]
  /** Indices in the batch; default the first 8. */
  readonly show?: readonly number[]
  /** A row per trick (default), or one row for the final result. */
  readonly rows?: 'tricks' | 'result'
}

/**
 * Reproduces the batch that a run showed its network in one step: the same seed gives the same draws. Needs only the
 * run's tricks, seed and data, no model, and changes no random state.
 *
 * @param options.data the run's data, from `openData({ train, validation, batchSize, epochs, seed })` or
 *   `openRun(…).data`
 * @param options.step from 0
 * @param options.show indices in the batch, default the first 8
 * @example
 * const data = openData({ train: trainingImages, validation: 5000, batchSize: 128, epochs: 30, seed })
 * const sheet = await stepSheet({ tricks, seed, data, step: 0, classes })
 * writeFileSync('batch.svg', sheetSvg(sheet))
 * writeFileSync('batch.png', await sheetPng(sheet))
 */
export async function stepSheet({
  data,
  step,
  ...options
}: Omit<SheetOptions, 'mean'> & {
  readonly data: TrainingData
  readonly step: number
}): Promise<Sheet> {
  const raw = data.batch(step)
  try {
    return await batchSheet(raw, data.time(step), { mean: data.facts.mean, ...options })
  } finally {
    tf.dispose([raw.images, raw.targets])
  }
}

/**
 * Applies tricks to selected images of a set, as if they were the batch of a step.
 *
 * @param images indices in the set
 * @param options.time default the first step of a run of 100 epochs of 100 steps
 * @throws RangeError for an index outside the set
 * @example
 * const { test } = await loadCifar10()
 * const sheet = await imageSheet(test, [0, 1, 2], { tricks: [cutout()], mean: cifar10Mean })
 */
export async function imageSheet(
  set: ImageSet,
  images: readonly number[],
  {
    time = { step: 0, stepsPerEpoch: 100, steps: 10_000 },
    ...options
  }: Omit<SheetOptions, 'classes'> & { readonly time?: Time },
): Promise<Sheet> {
  for (const image of images)
    if (!(Number.isInteger(image) && image >= 0 && image < set.labels.length))
      throw new RangeError(
        `preview: expected images to be indices in [0, ${set.labels.length}), got ${image}`,
      )
  const raw = batchOf({ set, indices: Int32Array.from(images) }, 0, images.length)
  try {
    return await batchSheet(raw, time, { classes: set.classes, ...options })
  } finally {
    tf.dispose([raw.images, raw.targets])
  }
}

/**
 * Applies tricks to a batch in a step, in pipeline order, by each trick's own `draw` and `apply`.
 *
 * @param batch images `[batch, height, width, channels]` in [0, 1] and targets `[batch, classes]`; unchanged. `indices`
 *   are the images' in the data set, by default those in the batch
 * @throws RangeError for an index outside the batch
 * @example
 * const time = { step: 0, stepsPerEpoch: 100, steps: 1000 }
 * const sheet = await batchSheet(batch, time, { tricks, mean, classes })
 */
export async function batchSheet(
  batch: Batch & Partial<IndexedBatch>,
  time: Time,
  { tricks, seed = 0, mean, classes, show, rows = 'tricks' }: SheetOptions,
): Promise<Sheet> {
  const [size] = batch.images.shape
  const shown = show ?? Array.from({ length: Math.min(8, size) }, (_, i) => i)
  for (const image of shown)
    if (!(Number.isInteger(image) && image >= 0 && image < size))
      throw new RangeError(`preview: expected show to hold indices in [0, ${size}), got ${image}`)
  // Only tricks that draw: others may need a run that was started.
  const drawing = composeRun(
    tricks.map(({ name, key, options, tricks: inner, images, mix }) => ({
      name,
      key,
      options,
      tricks: inner,
      images,
      mix,
    })),
    { seed, mean },
  )
  const { indices = Int32Array.from({ length: size }, (_, i) => i) } = batch
  const draws = drawsFor(drawing, { ...batch, indices }, time)
  const trace: readonly Traced[] = drawing.trace(batch.images, batch.targets, time, draws)
  const made: SheetRow[] = []
  const add = async (
    label: string,
    images: tf.Tensor4D,
    lines: readonly (readonly string[])[],
  ): Promise<void> => {
    const pictures = await picturesOf(images, shown)
    const tiles = pictures.map((picture, i) => ({ pictures: [picture], captions: lines[i]! }))
    made.push({ label, tiles })
  }
  try {
    await add('original', batch.images, await targetLines(batch.targets, shown, classes))
    const all: string[][] = shown.map(() => [])
    let before = batch.images
    for (const { stage, trick, params, images, targets } of trace) {
      if (!trick) continue
      const lines = shown.map((image) =>
        describe(trick, stage as 'images' | 'mix', params, image, size),
      )
      // Mixing follows normalisation and may fill with 0, the mean.
      const visible =
        stage === 'mix' ? tf.tidy(() => tf.add<tf.Tensor4D>(images, [...mean])) : images
      if (stage === 'mix') {
        const partners = shown.map((image) => sourcesOf(params, image))
        if (rows === 'tricks' && partners.every((own) => own.length > 0))
          made.push(await partnerRow(batch.targets, before, partners, classes))
        const shares = await targetLines(targets, shown, classes)
        lines.forEach((own, i) => own.push(...shares[i]!))
      }
      lines.forEach((own, i) => all[i]!.push(...own))
      if (rows === 'tricks') await add(keyOf(trick), visible, lines)
      if (stage === 'mix') visible.dispose()
      else before = images
    }
    if (rows === 'result') {
      const result = tf.tidy(() => tf.add<tf.Tensor4D>(trace.at(-1)!.images, [...mean]))
      await add('result', result, all)
      result.dispose()
    }
  } finally {
    tf.dispose(trace.map(({ images, targets }) => [images, targets]))
  }
  return { rows: made }
}

/** Describes a trick's draw for an image, one line per fact; without `describe`, by parameter name and value. */
function describe(
  trick: Trick,
  stage: 'images' | 'mix',
  params: unknown,
  image: number,
  size: number,
): string[] {
  const words = trick[stage]?.describe?.(params, image)
  if (words !== undefined) return words === '' ? [] : words.split(/, (?=\p{L})/u)
  if (typeof params !== 'object' || params === null) return []
  return Object.entries(params as Record<string, unknown>).flatMap(([name, values]) => {
    const list = Array.isArray(values) || ArrayBuffer.isView(values)
    const value = list ? (values as unknown as ArrayLike<unknown>) : undefined
    const own =
      value?.length === size ? value[image] : typeof values === 'number' ? values : undefined
    return typeof own === 'number' || typeof own === 'string' || typeof own === 'boolean'
      ? [`${name} ${typeof own === 'number' ? Number(own.toFixed(2)) : own}`]
      : []
  })
}

/** The indices of the images in a mixed one; empty if the draw doesn't contain them. */
function sourcesOf(params: unknown, image: number): number[] {
  if (typeof params !== 'object' || params === null || ArrayBuffer.isView(params)) return []
  const { permutation, permutations } = params as {
    permutation?: ArrayLike<number>
    permutations?: readonly ArrayLike<number>[]
  }
  const orders = permutations ?? (permutation ? [permutation] : undefined)
  if (orders) return orders.map((order) => order[image]!)
  return Array.isArray(params)
    ? []
    : Object.values(params).flatMap((inner) => sourcesOf(inner, image))
}

async function partnerRow(
  targets: tf.Tensor2D,
  images: tf.Tensor4D,
  partners: readonly (readonly number[])[],
  classes: readonly string[],
): Promise<SheetRow> {
  const pictures = await picturesOf(images, partners.flat())
  const lines = await targetLines(targets, partners.flat(), classes)
  let from = 0
  const tiles = partners.map(({ length }) => {
    const [start, end] = [from, (from += length)]
    // With several partners, the targets below name them.
    const captions = length === 1 ? lines[start]! : []
    return { pictures: pictures.slice(start, end), captions }
  })
  return { label: 'with', tiles }
}

/** The images at the given indices, as bytes. */
async function picturesOf(images: tf.Tensor4D, indices: readonly number[]): Promise<Picture[]> {
  const chosen: tf.Tensor4D = tf.tidy(() => {
    const own = tf.gather(images, tf.tensor1d([...indices], 'int32'))
    return tf.round(tf.mul(tf.clipByValue(own, 0, 1), 255))
  })
  const [, height, width, channels] = chosen.shape
  const bytes = Uint8Array.from(await chosen.data())
  chosen.dispose()
  const each = height * width * channels
  return indices.map((_, i) => ({
    pixels: bytes.subarray(i * each, (i + 1) * each),
    height,
    width,
    channels,
  }))
}

/** A line per class with a positive target, largest first: 'cat', or '0.71 cat' and '0.29 ship'. */
async function targetLines(
  targets: tf.Tensor2D,
  indices: readonly number[],
  classes: readonly string[],
): Promise<string[][]> {
  const values = await targets.data()
  return indices.map((index) => {
    const row = values.subarray(index * classes.length, (index + 1) * classes.length)
    const shares = Array.from(row, (share, c) => ({ share, name: classes[c]! }))
      .filter(({ share }) => share >= 0.005)
      .toSorted((a, b) => b.share - a.share)
    return shares.length === 1
      ? [shares[0]!.name]
      : shares.map(({ share, name }) => `${share.toFixed(2)} ${name}`)
  })
}
