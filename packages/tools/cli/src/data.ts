import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { downloadCifar, loadCifar10, readCifar10, readCifar100 } from '@tricks/cifar10'
import type { Dataset, ProgressView } from '@tricks/run'
import { meant, UsageError } from './usage.ts'

/** Options that `locateData` and `loadData` share. */
interface Waiting {
  /** Shows progress. */
  readonly view?: Pick<ProgressView, 'say' | 'status'>
  readonly signal?: AbortSignal
}

export interface DataOptions extends Waiting {
  /** Height and width to which a folder's pictures are scaled; default 64. */
  readonly size?: number
  /** Also keep a folder's pictures larger, by this factor of height and width; default 1: not kept. */
  readonly larger?: number
  /** Skip pictures that can't be read instead of throwing an error that lists them. */
  readonly skipBroken?: boolean
}

/** CIFAR's official archives: the folder that they unpack to, and a file by which to recognise it. */
const archives = {
  cifar10: { archive: 'cifar-10', folder: 'cifar-10-batches-bin', file: 'data_batch_1.bin' },
  cifar100: { archive: 'cifar-100', folder: 'cifar-100-binary', file: 'train.bin' },
} as const
type Cifar = keyof typeof archives
const cifars = Object.keys(archives) as Cifar[]
const isCifar = (name: string): name is Cifar => Object.hasOwn(archives, name)

/** The folder with an archive's files: the given folder or a subfolder of it. */
function filesOf(cifar: Cifar, folder: string): string | undefined {
  const { folder: inner, file } = archives[cifar]
  return [join(folder, inner), folder].find((each) => existsSync(join(each, file)))
}

/**
 * Locates data: returns 'cifar10', which is included in the package, or the absolute path of a folder. Downloads
 * CIFAR-100 to the folder `data` if it is missing.
 *
 * @param data as the user names it: 'cifar10', 'cifar100', or a folder
 * @param options.binaries for 'cifar10' and 'cifar100', a folder with the official binary files
 * @throws Error if the data doesn't exist
 * @example
 * const source = await locateData('cifar10') // 'cifar10'
 */
export async function locateData(
  data: string,
  { binaries, view, signal }: Waiting & { readonly binaries?: string | undefined } = {},
): Promise<string> {
  if (isCifar(data)) {
    if (binaries !== undefined) return official(data, resolve(binaries))
    if (data === 'cifar10') return data
    return filesOf(data, resolve('data')) ?? download(data, { view, signal })
  }
  if (binaries !== undefined)
    throw new UsageError(
      `--data applies only to cifar10 and cifar100, as the folder of their binary files, got ${data}`,
    )
  const folder = resolve(data)
  if (!existsSync(folder))
    throw new Error(
      `${data}: expected cifar10, cifar100 or the path of a readable folder${meant(data, cifars)}`,
    )
  if (!statSync(folder).isDirectory())
    throw new Error(`${data}: expected cifar10, cifar100 or a folder, got a file`)
  const found = cifars.flatMap((cifar) => filesOf(cifar, folder) ?? [])
  if (found.length > 1)
    throw new Error(
      `${data} contains both CIFAR-10 and CIFAR-100: pass the folder of one of them, such as ${found[1]}`,
    )
  return found[0] ?? folder
}

function official(cifar: Cifar, folder: string): string {
  const files = filesOf(cifar, folder)
  if (files !== undefined) return files
  const { folder: inner, file } = archives[cifar]
  throw new Error(
    `--data: expected the official binary layout of ${cifar} in ${folder}: ${inner} with ${file}`,
  )
}

function download(cifar: Cifar, { view, signal }: Waiting): Promise<string> {
  const { archive, folder } = archives[cifar]
  view?.say(`Data       ${join(resolve('data'), folder)} is missing: downloading it`)
  return downloadCifar(archive, resolve('data'), {
    ...(signal && { signal }),
    onProgress(done, total) {
      const of = total > 0 ? ` of ${(total / 1e6).toFixed(0)}` : ''
      view?.status(`           ${(done / 1e6).toFixed(0)}${of} MB`)
    },
  })
}

/** Whether a source is a folder of pictures rather than CIFAR. */
export const isPictureFolder = (source: string): boolean =>
  !isCifar(source) && cifars.every((cifar) => filesOf(cifar, source) === undefined)

/**
 * Loads labelled images.
 *
 * @param source a result of `locateData`, or what it accepts
 * @throws Error if the data doesn't exist or can't be read
 * @example
 * const { train } = await loadData('cifar10')
 */
export async function loadData(source: string, options: DataOptions = {}): Promise<Dataset> {
  const location = await locateData(source, options)
  if (location === 'cifar10') return included(options)
  if (isPictureFolder(location)) return pictures(location, options)
  const hundred = filesOf('cifar10', location) === undefined
  const sets = await (hundred ? readCifar100(location) : readCifar10(location))
  return { name: `CIFAR-${hundred ? 100 : 10} in ${location}`, ...sets }
}

async function included({ view, signal }: Waiting): Promise<Dataset> {
  const sets = await loadCifar10({
    ...(signal && { signal }),
    onProgress: (done, total) => view?.status(`Data       ${done} of ${total} images decoded`),
  })
  return { name: 'CIFAR-10 (the JPEG re-encoding in @tricks/cifar10)', ...sets }
}

async function pictures(folder: string, options: DataOptions): Promise<Dataset> {
  const { size = 64, larger = 1, skipBroken = false, view, signal } = options
  // Loaded on demand, as its decoder is native code, which other data doesn't need.
  const { BrokenPictures, linesOf, readImageFolder } = await import('@tricks/image-folder')
  try {
    const { broken, ...sets } = await readImageFolder(folder, {
      size,
      ...(larger > 1 && { larger: Math.round(size * larger) }),
      broken: skipBroken ? 'skip' : 'throw',
      ...(signal && { signal }),
      onProgress: (done, total) => view?.status(`Data       ${done} of ${total} pictures read`),
    })
    for (const line of linesOf(broken, 'skipped ')) view?.say(line)
    return { name: folder, ...sets }
  } catch (error) {
    if (!(error instanceof BrokenPictures)) throw error
    throw new BrokenPictures(error.broken, error.total, '--skip-broken')
  }
}
