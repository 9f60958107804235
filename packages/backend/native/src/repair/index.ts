// Puts the addon and the library where an installed tfjs-node looks for its addon.
import { randomUUID } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { access, copyFile, cp, link, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { type Installation, opsFile, opsFor, parts } from '../installation.ts'
import { type Target, addonPath, canUndo, readRecord, recordFile } from './target.ts'
import { verifyPackage } from './verify.ts'

/** What happened to a package. */
export interface Repaired {
  readonly fresh: boolean
  /** CPU or GPU, if checked. */
  readonly device: string | undefined
}

/** The suffix of a folder that is being prepared or deleted. */
const unfinished = '.tricks-native.tmp'

/**
 * Makes a package work: tfjs-node's addon is replaced by a folder with ours, the libraries and a small module that
 * loads them. It is prepared under another name, so that an interrupted repair changes nothing, and removed again if
 * the package then fails to compute. The package's own files are not modified.
 *
 * @throws Error with advice
 */
export async function repair(
  target: Target,
  installation: Installation,
  { check = true }: { readonly check?: boolean } = {},
): Promise<Repaired> {
  const record = { installation: basename(installation.folder) }
  const device = async () => (check ? await verifyPackage(target) : undefined)
  const previous = readRecord(target)
  if (previous?.installation === record.installation)
    return { fresh: false, device: await device() }
  return explained(target, async () => {
    await removeLeftovers(target)
    const staging = join(target.folder, `${randomUUID()}${unfinished}`)
    try {
      const addon = join(staging, addonPath)
      await mkdir(addon, { recursive: true })
      for (const part of partsOf(installation))
        await place(join(installation.folder, part), join(addon, part))
      const entry = createRequire(import.meta.url).resolve('@tricks/native/binding.cjs')
      await copyFile(entry, join(addon, 'index.js'))
      await writeFile(join(staging, recordFile), `${JSON.stringify(record, null, 2)}\n`)
      if (previous) await remove(target.lib)
      else if (existsSync(target.lib)) await rename(target.lib, target.original)
      await rename(staging, target.lib)
    } catch (error) {
      await rm(staging, { recursive: true, force: true })
      throw error
    }
    try {
      return { fresh: true, device: await device() }
    } catch (error) {
      await undo(target)
      throw error
    }
  })
}

/**
 * Reverts a repair: the package is as it was installed.
 *
 * @throws Error if it is not repaired, or not writable
 */
export async function undo(target: Target): Promise<void> {
  if (!canUndo(target))
    throw new Error(
      `native: expected ${target.name} to be repaired, but it is not: ${target.folder}`,
    )
  await explained(target, async () => {
    await removeLeftovers(target)
    if (existsSync(target.lib)) await remove(target.lib)
    if (existsSync(target.original)) await rename(target.original, target.lib)
  })
}

/** Fails before anything is downloaded for it. @throws Error if the package's folder is not writable */
export async function requireWritable(target: Target): Promise<void> {
  await explained(target, () => access(target.folder, constants.W_OK))
}

function partsOf({ folder, variant }: Installation): string[] {
  const ops = opsFor
    .map(({ name }) => opsFile(name))
    .filter((file) => existsSync(join(folder, file)))
  const nvidia = variant === 'cuda' ? [parts.nvidia] : []
  return [parts.manifest, parts.addon, parts.quiet, parts.tensorflow, ...ops, ...nvidia]
}

/** Links the file, or the files of the folder: that takes no space on the same disk. Elsewhere it copies. */
async function place(from: string, to: string): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true }).catch(() => undefined)
  if (entries) {
    await mkdir(to)
    for (const { name } of entries) await place(join(from, name), join(to, name))
    return
  }
  try {
    await link(from, to)
  } catch (error) {
    if (!cannotLink.has((error as NodeJS.ErrnoException).code!)) throw error
    await cp(from, to, { mode: constants.COPYFILE_FICLONE })
  }
}

/** Another disk, a file system without links, a foreign file, or too many links. */
const cannotLink = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS'])

/** Renames before deleting, so that what remains of an interrupted deletion is not taken for an addon. */
async function remove(folder: string): Promise<void> {
  const renamed = join(dirname(folder), `${randomUUID()}${unfinished}`)
  await rename(folder, renamed)
  await rm(renamed, { recursive: true })
}

async function removeLeftovers({ folder }: Target): Promise<void> {
  for (const name of await readdir(folder))
    if (name.endsWith(unfinished)) await rm(join(folder, name), { recursive: true })
}

async function explained<T>({ folder }: Target, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    const reason = reasons[(error as NodeJS.ErrnoException).code ?? '']
    if (!reason) throw error
    throw new Error(`native: ${folder}: ${reason}`, { cause: error })
  }
}

const notWritable = 'it is not writable\nRun the command as the user who owns the folder.'
const reasons: Readonly<{ [code: string]: string }> = {
  EACCES: notWritable,
  EPERM: notWritable,
  EROFS: 'it is on a read-only file system\nRun the command where the project is installed.',
  ENOSPC:
    'the disk is full\nPut the cache (TRICKS_NATIVE_CACHE) on the same disk: then files are linked, not copied.',
}
