import { open, readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { formatOf, hasPictureName, headLength } from './formats.ts'
import { type Skipped, reasonOf } from './skipped.ts'

export interface Entry {
  readonly name: string
  readonly path: string
  /** The path with links resolved. */
  readonly real: string
  /** Whether the entry itself is a link. */
  readonly isLink: boolean
  /** Whether the entry or a folder above it is a link. */
  readonly linked: boolean
}

export interface Entries {
  readonly folders: Entry[]
  readonly files: Entry[]
  /** Dangling links, and names that can't be opened. */
  readonly broken: Skipped[]
  /** Links back to this folder or a parent. */
  readonly back: Skipped[]
}

/** Files that operating systems create: neither pictures nor classes, and not worth reporting. */
const systemFiles =
  /^(?:\..*|thumbs\.db|ehthumbs.*\.db|desktop\.ini|icon\r|__macosx|@eadir|\$recycle\.bin|system volume information|lost\+found)$/i

/** The entry of a folder itself. @throws Error naming the folder if it doesn't exist */
export async function rootEntry(path: string): Promise<Entry> {
  const real = await realpath(path).catch((error: unknown) => {
    throw new Error(`image-folder: ${path} can't be read: ${reasonOf(error)}`, { cause: error })
  })
  return { name: path, path, real, isLink: false, linked: false }
}

/**
 * Lists a folder sorted by name, with links resolved, without hidden and system files.
 *
 * @throws Error naming the folder if it can't be read
 */
export async function entriesOf(folder: Entry): Promise<Entries> {
  const found: Entries = { folders: [], files: [], broken: [], back: [] }
  const entries = await readdir(folder.path, { withFileTypes: true }).catch((error: unknown) => {
    const reason = reasonOf(error)
    throw new Error(`image-folder: ${folder.path} can't be read: ${reason}`, { cause: error })
  })
  for (const each of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (systemFiles.test(each.name)) continue
    const path = join(folder.path, each.name)
    const isLink = each.isSymbolicLink()
    try {
      // A name that isn't UTF-8 contains this character and can't be opened by it.
      const kind = isLink || each.name.includes('\ufffd') ? await stat(path) : each
      const real = isLink ? await realpath(path) : join(folder.real, each.name)
      const entry = { name: each.name, path, real, isLink, linked: isLink || folder.linked }
      if (kind.isDirectory() && within(folder.real, real))
        found.back.push({ file: path, reason: `a link back to ${real}` })
      else if (kind.isDirectory()) found.folders.push(entry)
      else if (kind.isFile()) found.files.push(entry)
    } catch (error) {
      const reason = isLink
        ? `a dangling link (${reasonOf(error)})`
        : 'its name is not valid UTF-8: rename it'
      found.broken.push({ file: path, reason })
    }
  }
  return found
}

/** Whether a file is meant to be a picture, by its name or its first bytes. */
export async function isPicture({ path }: Entry): Promise<boolean> {
  if (hasPictureName(path)) return true
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headLength), 0, headLength, 0)
    return formatOf(buffer.subarray(0, bytesRead)) !== undefined
  } finally {
    await file.close()
  }
}

/** Whether a real path equals another one or is inside it. */
export const within = (inner: string, outer: string): boolean =>
  inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep)
