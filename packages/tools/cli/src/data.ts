import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { loadCifar10, readCifar10, readCifar100 } from '@tricks/cifar10'
import { BrokenPictures, linesOf, readImageFolder } from '@tricks/image-folder'
import type { Dataset } from '@tricks/run'
import { fromUser, UsageError } from './usage.ts'

export interface DataOptions {
  /** Side that a folder's pictures are scaled to. */
  readonly size: number
  readonly skipBroken?: boolean
  readonly signal?: AbortSignal
  /** Gets lines for a person. */
  readonly say?: (line: string) => void
}

const cifarFolders = ['cifar-10-batches-bin', 'cifar-100-binary']
const isCifar = (folder: string): boolean =>
  [...cifarFolders, 'data_batch_1.bin', 'train.bin'].some((name) => existsSync(join(folder, name)))

/** Whether a source is a folder of pictures, rather than CIFAR. */
export const isPictureFolder = (source: string): boolean =>
  !['cifar10', 'cifar100'].includes(source) && !isCifar(fromUser(source))

/**
 * Loads labelled images by what a person calls them.
 *
 * @param source 'cifar10', 'cifar100' or a folder: of class folders, or of CIFAR's official binary files
 * @throws UsageError for a source that doesn't exist; Error if it can't be read
 * @example
 * const { train } = await loadData('cifar10', { size: 32 })
 */
export async function loadData(source: string, options: DataOptions): Promise<Dataset> {
  if (source === 'cifar10') return embedded(options)
  if (source === 'cifar100')
    throw new UsageError(
      'cifar100: expected --data FOLDER, where cifar-100-binary.tar.gz of the CIFAR page was unpacked',
    )
  const folder = fromUser(source)
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new UsageError(
      `expected cifar10, cifar100 or a folder of pictures, got ${folder}, which is ${existsSync(folder) ? 'not a folder' : 'missing'}`,
    )
  return isCifar(folder) ? binary(folder) : pictures(folder, options)
}

async function embedded({ signal, say }: DataOptions): Promise<Dataset> {
  let shown = 0
  const { train, test } = await loadCifar10({
    ...(signal && { signal }),
    onProgress(done, total) {
      const share = Math.floor((done / total) * 100)
      if (share < shown + 25 && done < total) return
      shown = share
      say?.(`Data       decoding: ${share} %`)
    },
  })
  return { name: 'CIFAR-10 (the JPEG re-encoding in @tricks/cifar10)', train, test }
}

async function binary(folder: string): Promise<Dataset> {
  const has = (name: string): boolean => existsSync(join(folder, name))
  if (cifarFolders.every(has))
    throw new UsageError(
      `${folder} holds CIFAR-10 and CIFAR-100: name the folder of one, such as ${join(folder, cifarFolders[0]!)}`,
    )
  const hundred = has('train.bin') || has('cifar-100-binary')
  const { train, test } = await (hundred ? readCifar100(folder) : readCifar10(folder))
  return { name: `CIFAR-${hundred ? 100 : 10} in ${folder}`, train, test }
}

async function pictures(folder: string, options: DataOptions): Promise<Dataset> {
  const { size, skipBroken = false, signal, say } = options
  const counter = process.stderr.isTTY && say !== undefined
  try {
    const { broken, ...sets } = await readImageFolder(folder, {
      size,
      broken: skipBroken ? 'skip' : 'throw',
      ...(signal && { signal }),
      onProgress(done, total) {
        if (counter) process.stderr.write(`\rData       ${done} of ${total} pictures read`)
        if (counter && done === total) process.stderr.write('\n')
      },
    })
    for (const line of linesOf(broken, '           left out ')) say?.(line)
    return { name: folder, ...sets }
  } catch (error) {
    if (!(error instanceof BrokenPictures)) throw error
    throw new BrokenPictures(error.broken, error.total, '--skip-broken')
  }
}
