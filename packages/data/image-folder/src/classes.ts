import { entriesOf, type Entry, isPicture, within } from './entries.ts'
import { type Skipped, reasonOf } from './skipped.ts'

/** The pictures in a class's folder and its subfolders. */
export interface Class {
  readonly name: string
  pictures: Entry[]
  /** Pictures that are known to be unreadable from the folder listing alone. */
  readonly broken: Skipped[]
  /** Files that aren't pictures, and links to what is already read elsewhere. */
  readonly others: Skipped[]
}

/**
 * Lists the pictures of a class. Folders behind links come last, so that duplicates count at their real path.
 *
 * @param known real paths of the folders that are read as classes, and of their parents
 */
export async function readClass(
  name: string,
  folders: readonly Entry[],
  known: readonly string[],
): Promise<Class> {
  const found: Class = { name, pictures: [], broken: [], others: [] }
  const visited = new Set<string>()
  const links: { readonly folder: Entry; readonly above: readonly string[] }[] = []

  const visit = async (folder: Entry, above: readonly string[]): Promise<void> => {
    visited.add(folder.real)
    try {
      const { folders: inner, files, broken, back } = await entriesOf(folder)
      found.broken.push(...broken)
      found.others.push(...back)
      for (const file of files) await take(file)
      for (const each of inner) {
        const next = { folder: each, above: [...above, folder.real] }
        if (each.isLink) links.push(next)
        else await visit(each, next.above)
      }
    } catch (error) {
      const reason = `the folder can't be opened: ${reasonOf((error as Error).cause ?? error)}`
      found.broken.push({ file: folder.path, reason })
    }
  }
  const take = async (file: Entry): Promise<void> => {
    try {
      if (await isPicture(file)) found.pictures.push(file)
      else found.others.push({ file: file.path, reason: 'not a picture' })
    } catch (error) {
      found.broken.push({ file: file.path, reason: reasonOf(error) })
    }
  }

  for (const folder of folders) await visit(folder, [])
  for (const { folder, above } of links)
    if (visited.has(folder.real) || [...known, ...above].some((each) => within(each, folder.real)))
      found.others.push({
        file: folder.path,
        reason: `a link to ${folder.real}, which is already read`,
      })
    else await visit(folder, above)
  return found
}

/** Skips pictures that links repeat, in any class or set. */
export function leaveOutRepeated(classes: readonly Class[]): void {
  const read = new Map<string, string>()
  for (const linked of [false, true])
    for (const each of classes)
      each.pictures = each.pictures.filter((picture) => {
        if (picture.linked !== linked) return true
        const first = read.get(picture.real)
        if (first === undefined) read.set(picture.real, picture.path)
        else each.others.push({ file: picture.path, reason: `the same file as ${first}` })
        return first === undefined
      })
}
