// From dropped or chosen folders to labelled pictures.
import type { Collected, Pictures } from './messages.ts'

/** A file with its path from the chosen folder, with '/'. */
export interface Found {
  readonly path: string
  readonly file: File
}

/** Every file in dropped folders. */
export async function filesIn(transfer: DataTransfer): Promise<Found[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry())
  const found: Found[] = []
  const walk = async (entry: FileSystemEntry | null): Promise<void> => {
    if (!entry) return
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) =>
        (entry as FileSystemFileEntry).file(resolve, reject),
      )
      found.push({ path: entry.fullPath.slice(1), file })
      return
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader()
    // A reader returns at most a hundred entries at a time.
    for (;;) {
      const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
        reader.readEntries(resolve, reject),
      )
      if (part.length === 0) return
      for (const each of part) await walk(each)
    }
  }
  for (const entry of entries) await walk(entry)
  return found
}

/** The files of an input for folders. */
export const filesOf = (files: Iterable<File>): Found[] =>
  [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }))

const picture = /\.(jpe?g|png|webp|gif|bmp|avif)$/i
const splits: Readonly<Record<string, 'train' | 'test'>> = {
  train: 'train',
  training: 'train',
  val: 'train',
  valid: 'train',
  validation: 'train',
  test: 'test',
  testing: 'test',
}

/**
 * Labels pictures by the folder that contains them. Below a folder named like a split, such as `test`, they belong to
 * it; those of a validation folder are trained on, as the page holds out its own.
 *
 * @throws Error, with a remedy, if there are fewer than two classes, or a class has fewer than two pictures to train on
 */
export function collect(found: readonly Found[]): Collected {
  const pictures = found.flatMap(({ path, file }) => {
    const folders = path.split('/').slice(0, -1)
    // Files of operating systems: thumbnails, and the copies that macOS adds to archives.
    const hidden = [...folders, file.name].some((each) => /^[._]/.test(each))
    const name = folders.at(-1)
    if (!picture.test(file.name) || hidden || name === undefined) return []
    const split = folders.map((each) => splits[each.toLowerCase()]).find(Boolean) ?? 'train'
    return [{ name: name.normalize(), split, file }]
  })
  const classes = [...new Set(pictures.map(({ name }) => name))].toSorted()
  if (classes.length < 2 || classes.every((name) => name.toLowerCase() in splits))
    throw new Error(
      `Expected a folder with at least two folders of pictures in it, one per class, such as cats and dogs. ` +
        (classes.length === 0
          ? 'There are no JPEG, PNG or WebP pictures in folders here.'
          : `Found only the folder ${classes.map((name) => `“${name}”`).join(', ')}.`),
    )
  const setOf = (split: 'train' | 'test'): Pictures => {
    const own = pictures.filter((each) => each.split === split)
    return {
      files: own.map(({ file }) => file),
      labels: own.map(({ name }) => classes.indexOf(name)),
    }
  }
  const [train, test] = [setOf('train'), setOf('test')]
  const few = classes.filter((_, c) => train.labels.filter((label) => label === c).length < 2)
  if (few.length > 0)
    throw new Error(
      `Each class needs at least two pictures to train on; ten or more are better. Too few: ${few.join(', ')}.`,
    )
  return { classes, train, ...(test.files.length > 0 && { test }) }
}

/** Adds pictures to a class, which is created if it is new. */
export function withPictures(
  found: readonly Found[],
  name: string,
  files: Iterable<File>,
): Found[] {
  return [...found, ...[...files].map((file) => ({ path: `${name}/${file.name}`, file }))]
}
