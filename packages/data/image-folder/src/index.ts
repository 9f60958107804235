import { assertArgument } from '@tricks/core'
import type { ImageSet } from '@tricks/train'
import { type Layout, type PictureSet, readLayout } from './layout.ts'
import { BrokenPictures, type Skipped } from './skipped.ts'
import { readSet, type Size } from './read-set.ts'
import type { SetName } from './sets.ts'

export { BrokenPictures, type Skipped, linesOf } from './skipped.ts'
export { readPicture } from './picture.ts'
export { readPictures } from './read-ahead.ts'

export interface ImageFolderOptions {
  /** Height and width to which pictures are scaled, after a centre crop to that shape: one number, or two. */
  readonly size: number | readonly [height: number, width: number]
  /**
   * Also keeps the training pictures at this larger size, for a trick that crops windows and scales them to `size`,
   * such as `randomResizedCrop({ size: [64, 64] })`: small windows are then as sharp as the picture. Default: not kept.
   */
  readonly larger?: number | readonly [height: number, width: number]
  /** What to do with pictures that can't be read: 'throw' lists them in an error (default), 'skip' skips them. */
  readonly broken?: 'throw' | 'skip'
  /** Where to keep the pixels: 'memory', 'file' (a temporary file), or 'auto' (default), a file from 128 MiB on. */
  readonly keep?: 'memory' | 'file' | 'auto'
  /** Called with the number of pictures read, and the total. */
  readonly onProgress?: (done: number, total: number) => void
  /** Stops reading. */
  readonly signal?: AbortSignal
}

/** The content of a picture folder. */
export interface ImageFolder {
  readonly train: ImageSet
  /** Present if the folder has a validation set, with the classes of `train`. */
  readonly validation?: ImageSet
  /** Present if the folder has a test set, with the classes of `train`. */
  readonly test?: ImageSet
  /**
   * The skipped files, with reasons: with 'skip' pictures that can't be read, and always files that aren't pictures,
   * pictures outside class folders, and links to what is already read.
   */
  readonly broken: readonly Skipped[]
}

/**
 * Reads pictures from one folder per class, of any size, in the formats JPEG, PNG, WebP, AVIF, GIF, TIFF, BMP and SVG.
 *
 * Classes are the folders' names in sorted order; subfolders are included. Each picture is rotated by its EXIF
 * orientation, scaled and centre-cropped to `size`, and converted to RGB; transparent areas become black.
 *
 * @param folder `folder/<class>/<picture>`, or these in `folder/train`, and optionally in `folder/validation` and
 *   `folder/test`; `training`, `val`, `valid` and `testing` are accepted too, in any case
 * @throws RangeError for an option out of its range; {@link BrokenPictures} for pictures that can't be read; Error for
 *   a folder that can't be read, that has fewer than two classes, a class without pictures, or sets with different
 *   classes, or whose folders look like sets rather than classes
 * @example
 * const { train: pictures } = await readImageFolder('pictures', { size: 64 })
 * const model = createModel('plain', { inputShape: [64, 64, 3], classes: pictures.classes.length })
 * await train({ model, data: { train: pictures }, optimizer, epochs: 10 })
 */
export async function readImageFolder(
  folder: string,
  options: ImageFolderOptions,
): Promise<ImageFolder> {
  const { broken: mode = 'throw', keep = 'auto', onProgress, signal } = options
  const size = sidesOf('size', options.size)
  const larger = options.larger === undefined ? undefined : sidesOf('larger', options.larger)
  assertArgument(
    larger?.every((side, i) => side >= size[i]!) ?? true,
    'image-folder',
    { larger },
    `at least the size, ${size.join(' × ')}`,
  )
  assertArgument(
    ['throw', 'skip'].includes(mode),
    'image-folder',
    { broken: mode },
    'throw or skip',
  )
  assertArgument(
    ['memory', 'file', 'auto'].includes(keep),
    'image-folder',
    { keep },
    'memory, file or auto',
  )

  const layout = await readLayout(folder)
  const total = picturesIn(layout)
  const inFile = keep === 'file' || (keep === 'auto' && total * bytesOf(larger ?? size) >= inMemory)
  let done = 0
  const onPicture = (): void => onProgress?.(++done, total)
  const broken = [...layout.broken]
  const sets: { [name in SetName]?: ImageSet } = {}
  for (const set of layout.sets) {
    const read = await readSet(set, {
      size,
      ...(set.name === 'train' && { larger }),
      inFile,
      onPicture,
      signal,
    })
    broken.push(...read.broken)
    if (mode === 'skip') checkClassesRead(set, read.set, broken)
    sets[set.name] = read.set
  }
  if (mode === 'throw' && broken.length > 0)
    throw new BrokenPictures(broken, total + layout.broken.length)
  return { ...(sets as { train: ImageSet }), broken: [...broken, ...layout.others] }
}

/**
 * In bytes. Reading a batch from a file takes about a millisecond, and the system caches as much as fits into memory.
 */
const inMemory = 2 ** 27

/** Number of pictures in each set of a folder. */
export interface PictureCounts {
  readonly train: number
  readonly validation: number
  readonly test: number
}

/**
 * Counts the pictures in a folder by their names, without decoding them.
 *
 * @param folder laid out as for `readImageFolder`
 * @throws Error for a folder that can't be read, or has another layout
 * @example
 * const { train: count } = await countPictures('pictures')
 */
export async function countPictures(folder: string): Promise<PictureCounts> {
  const layout = await readLayout(folder)
  const countOf = (name: SetName): number =>
    picturesIn({ ...layout, sets: layout.sets.filter((set) => set.name === name) })
  return { train: countOf('train'), validation: countOf('validation'), test: countOf('test') }
}

const bytesOf = ([height, width]: Size): number => height * width * 3

function sidesOf(name: string, size: ImageFolderOptions['size']): Size {
  const sides = (Array.isArray(size) ? size : [size, size]) as [number, number]
  assertArgument(
    sides.length === 2 && sides.every((side) => Number.isInteger(side) && side > 0),
    'image-folder',
    { [name]: size },
    'a positive integer or two',
  )
  return sides
}

const picturesIn = ({ sets }: Layout): number =>
  sets.flatMap(({ classes }) => classes).reduce((sum, { pictures }) => sum + pictures.length, 0)

function checkClassesRead(
  { folder, classes }: PictureSet,
  { labels }: ImageSet,
  broken: readonly Skipped[],
): void {
  const read = new Set(Array.from(labels))
  const lost = classes.find((_, label) => !read.has(label))
  if (!lost) return
  const files = [...lost.pictures.map(({ path }) => path), ...lost.broken.map(({ file }) => file)]
  const { reason } = broken.find(({ file }) => file === files[0])!
  throw new Error(
    `image-folder: none of the ${files.length} files of the class '${lost.name}' in ${folder} can be read (${reason}): replace them, or remove the class`,
  )
}
