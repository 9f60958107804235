import type { ImageSet, Pixels } from '@tricks/train'
import type { PictureSet } from './layout.ts'
import type { Skipped } from './skipped.ts'
import { readPictureAt } from './picture.ts'
import { pixelFile, type PixelStore } from './pixel-file.ts'
import { readAhead } from './read-ahead.ts'

export type Size = readonly [height: number, width: number]

export interface ReadOptions {
  readonly size: Size
  /** A second, larger size. */
  readonly larger?: Size | undefined
  /** Whether to keep the pixels in a temporary file. */
  readonly inFile: boolean
  /** Called after each picture. */
  readonly onPicture: () => void
  readonly signal?: AbortSignal | undefined
}

/** Reads the pictures of a set; also returns the unreadable ones. */
export async function readSet(
  { classes }: PictureSet,
  { size, larger, inFile, onPicture, signal }: ReadOptions,
): Promise<{ set: ImageSet; broken: Skipped[] }> {
  const pictures = classes.flatMap((each, label) =>
    each.pictures.map(({ path }) => ({ path, label })),
  )
  const sizes = larger ? [size, larger] : [size]
  const values = sizes.map(([height, width]) => height * width * 3)
  const stores = values.map((each) => (inFile ? pixelFile() : memory(pictures.length * each)))
  const labels: number[] = []
  const broken: Skipped[] = []
  const reading = readAhead(pictures, async ({ path, label }) => ({
    path,
    label,
    pixels: await readPictureAt(path, sizes),
  }))
  for await (const { path, label, pixels } of reading) {
    signal?.throwIfAborted()
    onPicture()
    if (typeof pixels === 'string') broken.push({ file: path, reason: pixels })
    else {
      stores.forEach((store, i) => store.write(labels.length * values[i]!, pixels[i]!))
      labels.push(label)
    }
  }
  const [own, second] = sizes.map(([height, width], i) => ({
    images: stores[i]!.pixels(labels.length * values[i]!),
    height,
    width,
  }))
  const names = classes.map(({ name }) => name)
  return {
    set: { ...own!, labels, channels: 3, classes: names, ...(second && { larger: second }) },
    broken,
  }
}

function memory(size: number): PixelStore {
  const bytes = new Uint8Array(size)
  return {
    write: (at, pixels) => bytes.set(pixels, at),
    pixels: (length): Pixels => bytes.subarray(0, length),
  }
}
