import * as tf from '@tensorflow/tfjs-core'
import { type Batch, compose, keyOf, type Time, type Trick } from '@tricks/core'
import { type ImageSet, batchOf, type TrainingData } from '@tricks/train'
import { type Captions, captionsOf, sourcesOf } from './preview-captions.ts'

/** Pictures in rows, the first as they are, each next after one more trick, with what was drawn under each. */
export interface Sheet {
  readonly rows: readonly SheetRow[]
}

export interface SheetRow {
  /** The trick's key, or 'original'. */
  readonly label: string
  readonly tiles: readonly Tile[]
}

export interface Tile {
  /** One picture; of a mix trick's partners as many as there are. */
  readonly pictures: readonly Picture[]
  /** Lines of text; none where nothing was drawn for the picture. */
  readonly captions: readonly string[]
}

/** Bytes `[height, width, channels]`. */
export interface Picture {
  readonly pixels: Uint8Array
  readonly height: number
  readonly width: number
  readonly channels: number
}

export interface SheetOptions {
  readonly tricks: readonly Trick[]
  /** Of the run, default 0. */
  readonly seed?: number
  /** The data's mean per channel, in [0, 1]. */
  readonly mean: readonly number[]
  /** The classes' names. */
  readonly classes: readonly string[]
  /** Places in the batch to show; default the first 8. */
  readonly show?: readonly number[]
  /** A row for each trick (default), or one for what comes out of all. */
  readonly rows?: 'tricks' | 'result'
  /** What to write of the draws of tricks that are not of this repository, by the trick's name. */
  readonly captions?: Captions
}

/**
 * What a run showed its network in one step: the very batch, by the draws that the seed gives again. Nothing of
 * the run is needed but its tricks, its seed and its data; a model isn't, and no random number is used up.
 *
 * @param options.data the run's, by `openData({ train, validation, batchSize, epochs, seed })` or `openRun(…).data`
 * @param options.step from 0
 * @param options.show places in the batch, default the first 8
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
 * What tricks make of chosen images of a set, as if they were the batch of a step.
 *
 * @param options.images places in the set
 * @param options.time default the first step of a run of 100 epochs of 100 steps
 * @throws RangeError for a place that the set doesn't have
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
        `preview: expected images to be places in [0, ${set.labels.length}), got ${image}`,
      )
  const raw = batchOf({ set, indices: Int32Array.from(images) }, 0, images.length)
  try {
    return await batchSheet(raw, time, { classes: set.classes, ...options })
  } finally {
    tf.dispose([raw.images, raw.targets])
  }
}

/**
 * What tricks make of a batch in a step: each trick's own `draw` and `apply`, in the pipeline's order.
 *
 * @param batch images `[batch, height, width, channels]` in [0, 1] and targets `[batch, classes]`; left alone
 * @throws RangeError for a place to show that the batch doesn't have
 * @example
 * const time = { step: 0, stepsPerEpoch: 100, steps: 1000 }
 * const sheet = await batchSheet(batch, time, { tricks, mean, classes })
 */
export async function batchSheet(
  batch: Batch,
  time: Time,
  { tricks, seed = 0, mean, classes, show, rows = 'tricks', captions = {} }: SheetOptions,
): Promise<Sheet> {
  const [size, height, width, channels] = batch.images.shape
  const places = show ?? Array.from({ length: Math.min(8, size) }, (_, i) => i)
  for (const place of places)
    if (!(Number.isInteger(place) && place >= 0 && place < size))
      throw new RangeError(`preview: expected show to hold places in [0, ${size}), got ${place}`)
  const drawing = compose(
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
  const drawn = drawing.draw(
    { batch: size, height, width, channels, classes: classes.length },
    time,
  )
  const told = (trick: Trick, params: unknown): string[][] =>
    places.map((place) => captionsOf(trick, params, { place, size }, captions))

  const shown: SheetRow[] = []
  let images = batch.images
  const add = async (
    label: string,
    of: tf.Tensor4D,
    lines: readonly (readonly string[])[],
  ): Promise<void> => {
    const pictures = await picturesOf(of, places)
    shown.push({
      label,
      tiles: pictures.map((picture, i) => ({ pictures: [picture], captions: lines[i]! })),
    })
  }
  const next = (made: tf.Tensor4D): void => {
    if (images !== batch.images) images.dispose()
    images = made
  }

  await add('original', images, await targetLines(batch.targets, places, classes))
  const all: string[][] = places.map(() => [])
  const collect = (lines: string[][]): void => lines.forEach((own, i) => all[i]!.push(...own))
  for (const trick of tricks) {
    const params = drawn.images[keyOf(trick)]
    if (!trick.images || params === undefined) continue
    next(tf.tidy(() => trick.images!.apply(images, params)))
    const lines = told(trick, params)
    collect(lines)
    if (rows === 'tricks') await add(keyOf(trick), images, lines)
  }
  for (const trick of tricks) {
    const params = drawn.mix[keyOf(trick)]
    if (!trick.mix || params === undefined) continue
    const partners = places.map((place) => sourcesOf(trick, params, place))
    if (rows === 'tricks' && partners.every((own) => own.length > 0))
      shown.push(await partnerRow(batch.targets, images, partners, classes))
    // Mixing comes after normalising, and may fill with 0, which is the mean.
    const mixed = tf.tidy(() => {
      const center = tf.tensor1d([...mean])
      const made = trick.mix!.apply(
        { images: tf.sub(images, center), targets: batch.targets },
        params,
      )
      return { ...made, images: tf.add<tf.Tensor4D>(made.images, center) }
    })
    next(mixed.images)
    const targets = await targetLines(mixed.targets, places, classes)
    if (mixed.targets !== batch.targets) mixed.targets.dispose()
    const lines = told(trick, params).map((own, i) => [...own, ...targets[i]!])
    collect(lines)
    if (rows === 'tricks') await add(keyOf(trick), images, lines)
  }
  if (rows === 'result') await add('result', images, all)
  next(batch.images)
  return { rows: shown }
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
    // More than one partner: what they are shows in the targets below.
    const captions = length === 1 ? lines[start]! : []
    return { pictures: pictures.slice(start, end), captions }
  })
  return { label: 'with', tiles }
}

/** The nearest levels of what stands in those places. */
async function picturesOf(images: tf.Tensor4D, places: readonly number[]): Promise<Picture[]> {
  const chosen: tf.Tensor4D = tf.tidy(() => {
    const own = tf.gather(images, tf.tensor1d([...places], 'int32'))
    return tf.round(tf.mul(tf.clipByValue(own, 0, 1), 255))
  })
  const [, height, width, channels] = chosen.shape
  const bytes = Uint8Array.from(await chosen.data())
  chosen.dispose()
  const each = height * width * channels
  return places.map((_, i) => ({
    pixels: bytes.subarray(i * each, (i + 1) * each),
    height,
    width,
    channels,
  }))
}

/** A line for each class that has a share, the largest first: 'cat', or '0.71 cat' and '0.29 ship'. */
async function targetLines(
  targets: tf.Tensor2D,
  places: readonly number[],
  classes: readonly string[],
): Promise<string[][]> {
  const values = await targets.data()
  return places.map((place) => {
    const row = values.subarray(place * classes.length, (place + 1) * classes.length)
    const shares = Array.from(row, (share, c) => ({ share, name: classes[c]! }))
      .filter(({ share }) => share >= 0.005)
      .toSorted((a, b) => b.share - a.share)
    return shares.length === 1
      ? [shares[0]!.name]
      : shares.map(({ share, name }) => `${share.toFixed(2)} ${name}`)
  })
}
