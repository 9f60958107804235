import { join } from 'node:path'
import { entriesOf, type Entries, type Entry, isPicture } from './entries.ts'
import { listOf } from './skipped.ts'

export type SetName = 'train' | 'validation' | 'test'

/** A folder and its entries. */
export interface Opened extends Entries {
  readonly entry: Entry
}

/** Common names of the sets' folders, in any case. */
const names: Readonly<Record<SetName, RegExp>> = {
  train: /^train(?:ing)?$/i,
  validation: /^val(?:id|idation)?$/i,
  test: /^test(?:ing)?$/i,
}
const setNames = Object.keys(names) as SetName[]
const setOf = (folder: string): SetName | undefined =>
  setNames.find((name) => names[name].test(folder))

export const opened = async (entry: Entry): Promise<Opened> => ({
  entry,
  ...(await entriesOf(entry)),
})

const listed = (folders: readonly Opened[]): string =>
  listOf(folders.map(({ entry }) => entry.name))

/**
 * Finds the folders that contain classes, the training set first: subfolders named like sets, otherwise the folder
 * itself.
 *
 * @throws Error saying what is wrong with the layout
 */
export async function setsIn(root: Opened): Promise<ReadonlyMap<SetName, Opened>> {
  const { path } = root.entry
  const inner = await Promise.all(root.folders.map(opened))
  const named = inner.filter(({ entry }) => setOf(entry.name))
  // Without subfolders, `train` is a class: pictures of trains.
  const sets = named.filter(({ folders }) => folders.length > 0)
  if (sets.length === 0) {
    if (named.length > 1)
      throw new Error(
        `image-folder: ${path}: ${listed(named)} are named like sets, but contain no class folders: sort their pictures into one folder per class`,
      )
    return new Map([['train', root]])
  }
  const found = new Map<SetName, Opened>()
  for (const name of setNames) {
    const [set, twin] = sets.filter(({ entry }) => setOf(entry.name) === name)
    if (twin)
      throw new Error(
        `image-folder: ${path}: expected one folder for the ${name} set, got ${listed([set!, twin])}: merge them, or move one elsewhere`,
      )
    if (set) found.set(name, set)
  }
  if (!found.has('train'))
    throw new Error(
      `image-folder: ${path}: expected a folder train beside ${listed(sets)}: add it, or rename folders that are not sets`,
    )
  const other = inner.find((each) => !sets.includes(each))
  if (other)
    throw new Error(
      `image-folder: ${path}: expected only validation and test beside train, each with a folder per class, got '${other.entry.name}'${named.includes(other) ? ' without folders' : ''}: rename it, or move it elsewhere`,
    )
  return found
}

/**
 * Rejects folders that contain sets, or no pictures but identical subfolders, as classes: the layout is off by one
 * level. A single class that contains folders may be how an archive was packed.
 *
 * @throws Error explaining the layout
 */
export async function checkAreClasses({ entry, folders }: Opened): Promise<void> {
  const inner = await Promise.all(folders.map(innermost))
  const [first = [], ...rest] = inner.map(({ folders: own }) => own.map(({ name }) => name))
  const common = first.filter((name) => rest.every((others) => others.some(isSame(name))))
  const refuse = (got: string): never => {
    throw new Error(`image-folder: ${entry.path}: expected ${got}`)
  }
  // A single common folder is fine: every class may have its pictures in a folder `images`.
  if (common.length > 1 && (await holdNoPictures(inner))) {
    const where = listOf(folders.map(({ name }) => name))
    if (rest.length === 0)
      refuse(
        `at least two folders, one per class, got only '${where}', which contains ${listOf(common)}: pass ${inner[0]!.entry.path}, or move them up`,
      )
    refuse(
      `classes, got folders without pictures that all contain the same folders (${where} contain ${listOf(common)}): ` +
        (common.every(setOf)
          ? `put the sets above the classes, as in ${join(common[0]!, folders[0]!.name)}`
          : 'name them train, validation and test if they are sets, or move their pictures up into them if they are classes'),
    )
  }
  for (const [i, { entry: held, folders: own }] of inner.entries()) {
    const sets = own.filter(({ name }) => setOf(name))
    if (new Set(sets.map(({ name }) => setOf(name))).size > 1)
      refuse(
        `classes, got '${folders[i]!.name}', which contains the sets ${listOf(sets.map(({ name }) => name))}: pass ${held.path}, or put the sets above the classes`,
      )
  }
}

async function holdNoPictures(folders: readonly Opened[]): Promise<boolean> {
  for (const { files } of folders)
    for (const file of files) if (await isPicture(file).catch(() => true)) return false
  return true
}

const isSame =
  (name: string) =>
  (other: string): boolean =>
    name.normalize().toLowerCase() === other.normalize().toLowerCase()

/** A folder's entries, or those of its only subfolder, as archives are often packed. */
async function innermost(entry: Entry): Promise<Opened> {
  const here = await opened(entry)
  const [only, second] = here.folders
  return only && !second && here.files.length === 0 ? innermost(only) : here
}
