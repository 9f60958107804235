import { availableParallelism } from 'node:os'
import type { ImageSet, Pixels } from '@tricks/train'
import type { PictureSet } from './layout.ts'
import type { Skipped } from './skipped.ts'
import { readPicture } from './picture.ts'
import { pixelFile, type PixelStore } from './pixel-file.ts'

export interface ReadOptions {
  readonly height: number
  readonly width: number
  /** Whether to keep the pixels in a temporary file. */
  readonly inFile: boolean
  /** Called after each picture. */
  readonly onPicture: () => void
  readonly signal?: AbortSignal | undefined
}

/** Pictures decoded concurrently. More would only take memory: a large one takes a hundred megabytes. */
const atOnce = availableParallelism() * 2

/** Reads the pictures of a set; returns those that can't be read too. */
export async function readSet(
  { classes }: PictureSet,
  { height, width, inFile, onPicture, signal }: ReadOptions,
): Promise<{ set: ImageSet; broken: Skipped[] }> {
  const pictures = classes.flatMap((each, label) =>
    each.pictures.map(({ path }) => ({ path, label })),
  )
  const values = height * width * 3
  const store = inFile ? pixelFile() : memory(pictures.length * values)
  const labels: number[] = []
  const broken: Skipped[] = []
  const ahead: Promise<Uint8Array | string>[] = []
  for (const [i, { path, label }] of pictures.entries()) {
    signal?.throwIfAborted()
    for (let next = i + ahead.length; next < Math.min(i + atOnce, pictures.length); next++)
      ahead.push(readPicture(pictures[next]!.path, height, width))
    const pixels = await ahead.shift()!
    onPicture()
    if (typeof pixels === 'string') broken.push({ file: path, reason: pixels })
    else {
      store.write(labels.length * values, pixels)
      labels.push(label)
    }
  }
  const images = store.pixels(labels.length * values)
  const names = classes.map(({ name }) => name)
  return { set: { images, labels, height, width, channels: 3, classes: names }, broken }
}

function memory(size: number): PixelStore {
  const bytes = new Uint8Array(size)
  return {
    write: (at, pixels) => bytes.set(pixels, at),
    pixels: (length): Pixels => bytes.subarray(0, length),
  }
}
