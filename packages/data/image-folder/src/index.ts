import { readdir, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { assertOption } from '@tricks/core'
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
 * Classes are the folders' names, in their sorted order; folders in them are looked through too. Each picture is turned
 * as its EXIF says, scaled and cut in the middle to `size`, and made RGB; what is transparent becomes black.
 *
 * @param folder `folder/<class>/<picture>`, or `folder/train/<class>/…` and `folder/test/<class>/…`
 * @throws RangeError for an option out of its range; Error for a folder that can't be read, without two classes, with
 * an empty class, a class none of whose files can be read, or with a broken file
 * @example
 * const { train: pictures } = await readImageFolder('pictures', { size: 64 })
 * const model = createModel('plain', { inputShape: [64, 64, 3], classes: pictures.classes.length })
 * await train({ model, data: { train: pictures }, optimizer, epochs: 10 })
 */
export async function readImageFolder(
  folder: string,
  options: ImageFolderOptions,
): Promise<ImageFolder> {
  const { size, broken: mode = 'throw', keep = 'auto', onProgress, signal } = options
  const [height, width] = sidesOf(size)
  assertOption(['throw', 'skip'].includes(mode), 'image-folder', { broken: mode }, 'throw or skip')
  assertOption(
    ['memory', 'file', 'auto'].includes(keep),
    'image-folder',
    { keep },
    'memory, file or auto',
  )

  const splits = (await splitsOf(folder)).map((split) => join(folder, split))
  const lists = await Promise.all(splits.map(filesByClass))
  const classes = lists[0]!.map(({ name }) => name)
  if (lists[1] && lists[1].map(({ name }) => name).join() !== classes.join())
    throw new Error(
      `image-folder: ${folder}: expected test to have the classes of train: ${classes.join(', ')}`,
    )

  const total = lists.flat().reduce((sum, { files }) => sum + files.length, 0)
  const values = height * width * 3
  const inFile = keep === 'file' || (keep === 'auto' && total * values >= 2 ** 30)
  const broken: { file: string; reason: string }[] = []
  let done = 0
  const sets: ImageSet[] = []
  for (const [split, list] of lists.entries()) {
    const pictures = list.flatMap(({ files }, label) => files.map((file) => ({ file, label })))
    const store = inFile ? pixelFile() : memory(pictures.length * values)
    const labels: number[] = []
    await inTurn(
      pictures,
      availableParallelism() * 2,
      async ({ file, label }) => {
        signal?.throwIfAborted()
        const read = await readPicture(file, height, width)
        onProgress?.(++done, total)
        return { file, label, read }
      },
      ({ file, label, read }) => {
        if (read instanceof Uint8Array) {
          store.write(labels.length * values, read)
          labels.push(label)
        } else if (mode === 'skip') broken.push({ file, reason: read.message })
        else
          throw new Error(
            `image-folder: ${file} can't be read (${read.message}): remove it, or pass broken: 'skip'`,
            { cause: read },
          )
      },
    )
    for (const [label, { name, files }] of list.entries())
      if (!labels.includes(label))
        throw new Error(
          `image-folder: none of the ${files.length} files of the class '${name}' in ${splits[split]} can be read`,
        )
    const images = store.pixels(labels.length * values)
    sets.push({ images, labels, height, width, channels: 3, classes })
  }
  return { train: sets[0]!, ...(sets[1] && { test: sets[1] }), broken }
}

function sidesOf(size: ImageFolderOptions['size']): readonly [height: number, width: number] {
  const sides = typeof size === 'object' ? size : ([size, size] as const)
  assertOption(
    sides.length === 2 && sides.every((side) => Number.isInteger(side) && side > 0),
    'image-folder',
    { size },
    'a positive integer or two',
  )
  return sides
}

/** RGB bytes, or what is wrong with the file. */
async function readPicture(
  file: string,
  height: number,
  width: number,
): Promise<Uint8Array | Error> {
  try {
    return await sharp(file)
      .autoOrient()
      .resize(width, height, { fit: 'cover' })
      .flatten({ background: 'black' })
      .toColourspace('srgb')
      .raw()
      .toBuffer()
  } catch (error) {
    return error as Error
  }
}

/** What stands above the classes: nothing, or `train`, perhaps with `test`. */
async function splitsOf(folder: string): Promise<string[]> {
  const { folders } = await entriesOf(folder)
  // Without folders in it, `train` is a class: pictures of trains.
  if (!folders.includes('train') || (await entriesOf(join(folder, 'train'))).folders.length === 0)
    return ['.']
  const other = folders.find((each) => each !== 'train' && each !== 'test')
  if (other !== undefined)
    throw new Error(
      `image-folder: ${folder}: expected only test beside train, got '${other}': rename it or move it away`,
    )
  return folders.toReversed()
}

async function filesByClass(folder: string): Promise<{ name: string; files: string[] }[]> {
  const { folders } = await entriesOf(folder)
  if (folders.length < 2)
    throw new Error(
      `image-folder: ${folder}: expected a folder a class, two at least, got ${folders.length === 0 ? 'none' : `only '${folders[0]}'`}`,
    )
  return Promise.all(
    folders.map(async (name) => {
      const files = await filesIn(join(folder, name))
      if (files.length === 0)
        throw new Error(
          `image-folder: the class '${name}' in ${folder} is empty: add pictures or remove it`,
        )
      return { name, files }
    }),
  )
}

async function filesIn(folder: string): Promise<string[]> {
  const { folders, files } = await entriesOf(folder)
  const deeper = await Promise.all(folders.map((each) => filesIn(join(folder, each))))
  return [...files.map((file) => join(folder, file)), ...deeper.flat()]
}

/** What a folder holds, sorted, links followed, without hidden things. */
async function entriesOf(folder: string): Promise<{ folders: string[]; files: string[] }> {
  const folders: string[] = []
  const files: string[] = []
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue
      const path = join(folder, entry.name)
      // A link to nowhere counts as a file, so that it is named among the broken ones.
      const found = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry
      if (found?.isDirectory()) folders.push(entry.name)
      else if (!found || found.isFile()) files.push(entry.name)
    }
  } catch (error) {
    throw new Error(`image-folder: ${folder} can't be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
  return { folders: folders.toSorted(), files: files.toSorted() }
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
  work: (item: T) => Promise<R>,
  take: (result: R) => void,
): Promise<void> {
  for (let from = 0; from < items.length; from += atOnce)
    for (const result of await Promise.all(items.slice(from, from + atOnce).map(work))) take(result)
}
