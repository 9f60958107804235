import { readdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { ImageSet, Pixels } from '@tricks/train'
import sharp from 'sharp'
import { pixelFile, type PixelStore } from './pixel-file.ts'

export interface ImageFolderOptions {
  /** Height and width that every picture is brought to, its middle cut to that shape: one number, or two. */
  readonly size: number | readonly [height: number, width: number]
  /** What a file that can't be read does: 'throw' names it (default), 'skip' leaves it out and lists it. */
  readonly broken?: 'throw' | 'skip'
  /** Where the pixels are kept: 'memory', 'file' (a temporary one), or by their size, a file from 1 GiB on (default). */
  readonly keep?: 'memory' | 'file' | 'auto'
  /** Called with pictures read and their total. */
  readonly onProgress?: (done: number, total: number) => void
  /** Stops it. */
  readonly signal?: AbortSignal
}

/** What a folder holds. `test` is there where the folder has `train` and `test` above the classes. */
export interface ImageFolder {
  readonly train: ImageSet
  readonly test?: ImageSet
  /** Files left out because they can't be read, with the reason. */
  readonly broken: readonly { readonly file: string; readonly reason: string }[]
}

/**
 * Pictures in folders, one a class, of any sizes and formats that sharp reads (JPEG, PNG, WebP, AVIF, GIF, TIFF, SVG).
 *
 * Classes are the folders' names, in their sorted order. Each picture is turned as its EXIF says, scaled and cut in the
 * middle to `size`, and made RGB; what is transparent becomes black.
 *
 * @param folder `folder/<class>/<picture>`, or `folder/train/<class>/…` and `folder/test/<class>/…`
 * @throws Error for a folder that can't be read, without two classes, with an empty class, or with a broken file;
 * RangeError for a size that is none
 * @example
 * const { train: pictures } = await readImageFolder('pictures', { size: 64 })
 * await train({ model, data: { train: pictures }, optimizer, epochs: 10 })
 */
export async function readImageFolder(
  folder: string,
  options: ImageFolderOptions,
): Promise<ImageFolder> {
  const [height, width] =
    typeof options.size === 'number' ? [options.size, options.size] : options.size
  for (const side of [height, width])
    if (!Number.isInteger(side) || side < 1)
      throw new RangeError(
        `image-folder: expected size to be a positive integer, or two, got ${String(options.size)}`,
      )

  const top = await foldersIn(folder)
  const splits = top.includes('train')
    ? ['train', ...(top.includes('test') ? ['test'] : [])]
    : ['.']
  const lists = await Promise.all(splits.map((split) => filesByClass(join(folder, split))))
  const classes = lists[0]!.map(({ name }) => name)
  if (lists[1] && lists[1].map(({ name }) => name).join() !== classes.join())
    throw new Error(
      `image-folder: ${folder}: expected test to have the classes of train: ${classes.join(', ')}`,
    )

  const pictures = lists.map((list) =>
    list.flatMap(({ files }, label) => files.map((file) => ({ file, label }))),
  )
  const total = pictures.reduce((sum, list) => sum + list.length, 0)
  const inFile =
    options.keep === 'file' || (options.keep !== 'memory' && total * height * width * 3 >= 2 ** 30)
  const broken: { file: string; reason: string }[] = []
  let done = 0
  const sets: ImageSet[] = []
  for (const list of pictures) {
    const values = height * width * 3
    const store = inFile ? await pixelFile() : memory(list.length * values)
    const labels: number[] = []
    await inTurn(
      list,
      availableParallelism() * 2,
      async ({ file, label }) => {
        options.signal?.throwIfAborted()
        const image = await read(file, height, width, options.broken, broken)
        options.onProgress?.(++done, total)
        return image && { image, label }
      },
      ({ image, label }) => {
        store.write(labels.length * values, image)
        labels.push(label)
      },
    )
    sets.push({
      images: store.pixels(labels.length * values),
      labels,
      height,
      width,
      channels: 3,
      classes,
    })
  }
  return { train: sets[0]!, ...(sets[1] && { test: sets[1] }), broken }
}

/** RGB bytes; undefined for a broken file that is to be skipped. */
async function read(
  file: string,
  height: number,
  width: number,
  mode: ImageFolderOptions['broken'],
  broken: { file: string; reason: string }[],
): Promise<Uint8Array | undefined> {
  try {
    return await sharp(file)
      .autoOrient()
      .resize(width, height, { fit: 'cover' })
      .flatten({ background: 'black' })
      .toColourspace('srgb')
      .raw()
      .toBuffer()
  } catch (error) {
    const reason = (error as Error).message
    if (mode !== 'skip')
      throw new Error(
        `image-folder: ${file} can't be read (${reason}): remove it, or pass broken: 'skip'`,
        { cause: error },
      )
    broken.push({ file, reason })
    return undefined
  }
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .toSorted()
  } catch (error) {
    throw new Error(`image-folder: ${folder} can't be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

async function filesByClass(folder: string): Promise<{ name: string; files: string[] }[]> {
  const names = await foldersIn(folder)
  if (names.length < 2)
    throw new Error(
      `image-folder: ${folder}: expected a folder a class, two at least, got ${names.length === 0 ? 'none' : `only '${names[0]}'`}`,
    )
  return Promise.all(
    names.map(async (name) => {
      const entries = await readdir(join(folder, name), { withFileTypes: true })
      const files = entries
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => join(folder, name, entry.name))
        .toSorted()
      if (files.length === 0)
        throw new Error(
          `image-folder: the class '${name}' in ${folder} is empty: add pictures or remove it`,
        )
      return { name, files }
    }),
  )
}

function memory(size: number): PixelStore {
  const bytes = new Uint8Array(size)
  return {
    write: (at, pixels) => bytes.set(pixels, at),
    pixels: (length): Pixels => bytes.subarray(0, length),
  }
}

/** Does the work of some items at once, and hands the results on in the items' order. */
async function inTurn<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R | undefined>,
  take: (result: R) => void,
): Promise<void> {
  for (let from = 0; from < items.length; from += atOnce)
    for (const result of await Promise.all(items.slice(from, from + atOnce).map(work)))
      if (result !== undefined) take(result)
}
