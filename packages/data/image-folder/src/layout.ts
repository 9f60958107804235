import { type Class, leaveOutRepeated, readClass } from './classes.ts'
import { type Entry, isPicture, rootEntry } from './entries.ts'
import { type Skipped, listOf, nameOf } from './skipped.ts'
import { checkAreClasses, opened, type SetName, setsIn } from './sets.ts'

export interface PictureSet {
  readonly name: SetName
  readonly folder: string
  readonly classes: readonly Class[]
}

export interface Layout {
  /** The training set first. */
  readonly sets: readonly PictureSet[]
  /** Pictures that are known to be unreadable from the folder listing alone. */
  readonly broken: readonly Skipped[]
  /** Entries that are not a class's pictures. */
  readonly others: readonly Skipped[]
}

/**
 * Lists the sets in a folder, their classes, and the pictures of each class, sorted.
 *
 * @throws Error saying what is wrong with the layout
 */
export async function readLayout(path: string): Promise<Layout> {
  const root = await opened(await rootEntry(path))
  const found = await setsIn(root)
  const above = [...new Set([root, ...found.values()])]
  const known = [
    ...above.map(({ entry }) => entry.real),
    ...[...found.values()].flatMap(({ folders }) => folders.map(({ real }) => real)),
  ]
  const sets: PictureSet[] = []
  for (const [name, set] of found) {
    await checkAreClasses(set)
    const classes: Class[] = []
    for (const [className, folders] of byName(set.folders))
      classes.push(await readClass(className, folders, known))
    sets.push({ name, folder: set.entry.path, classes })
  }
  const classes = sets.flatMap((set) => set.classes)
  leaveOutRepeated(classes)
  sets.forEach(checkClasses)
  for (const set of sets.slice(1)) checkSameClasses(path, sets[0]!, set)
  const outside: Skipped[] = []
  for (const file of above.flatMap(({ files }) => files)) outside.push(await outsideClasses(file))
  return {
    sets,
    broken: [...above, ...classes].flatMap(({ broken }) => broken),
    others: [
      ...outside,
      ...above.flatMap(({ back }) => back),
      ...classes.flatMap(({ others }) => others),
    ],
  }
}

/** Merges names that differ only in the Unicode form of accents into one class. */
function byName(folders: readonly Entry[]): [name: string, folders: Entry[]][] {
  const classes = new Map<string, Entry[]>()
  for (const folder of folders) {
    const name = folder.name.normalize()
    classes.set(name, [...(classes.get(name) ?? []), folder])
  }
  return [...classes].toSorted(([a], [b]) => (a < b ? -1 : 1))
}

async function outsideClasses(file: Entry): Promise<Skipped> {
  const picture = await isPicture(file).catch(() => false)
  return { file: file.path, reason: picture ? "in no class's folder" : 'not a picture' }
}

function checkClasses({ name: set, folder, classes }: PictureSet): void {
  if (set === 'train' && classes.length < 2)
    throw new Error(
      `image-folder: ${folder}: expected at least two folders, one per class, got ${classes.length === 0 ? 'none' : `only '${classes[0]!.name}'`}`,
    )
  for (const { name, pictures, broken, others } of classes) {
    if (pictures.length + broken.length > 0) continue
    const [first] = others
    const found = first
      ? `has no pictures (${others.length} skipped, such as ${nameOf(first.file)}: ${first.reason})`
      : 'is empty'
    throw new Error(
      `image-folder: the class '${name}' in ${folder} ${found}: add pictures or remove it`,
    )
  }
}

function checkSameClasses(path: string, train: PictureSet, set: PictureSet): void {
  const [expected, got] = [train, set].map(({ classes }) => classes.map(({ name }) => name))
  const missing = expected!.filter((name) => !got!.includes(name))
  const unknown = got!.filter((name) => !expected!.includes(name))
  if (missing.length === 0 && unknown.length === 0) return
  const differences = [
    missing.length > 0 && `missing in ${set.name}: ${listOf(missing)}`,
    unknown.length > 0 && `unknown in train: ${listOf(unknown)}`,
  ]
  throw new Error(
    `image-folder: ${path}: expected ${set.name} to have the classes of train: ${listOf(expected!)}, got ${got!.length === 1 ? `only '${got![0]}'` : listOf(got!)} (${differences.filter(Boolean).join('; ')})`,
  )
}
