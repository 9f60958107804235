import { checksumFile } from './binary.ts'

const archives = {
  'cifar-10': {
    url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
    md5: 'c32a1d4ab5d03f1284b67883e8d87530',
    holds: 'cifar-10-batches-bin',
  },
  'cifar-100': {
    url: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
    md5: '03b5dce01913d631647c71ecec9e9cb8',
    holds: 'cifar-100-binary',
  },
} as const

export interface DownloadOptions {
  /** Another place to fetch the archive from. */
  readonly url?: string
  /** What its md5 has to be; by default the one published on the data set's page. */
  readonly md5?: string
  /** Called with bytes there and their total. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
  /** Seconds without a byte after which the connection is given up and tried again; default 30. */
  readonly stall?: number
  /** Tries that bring nothing new before it gives up; default 4. */
  readonly tries?: number
}

/**
 * Fetches the official archive of CIFAR-10 or CIFAR-100 and unpacks it. What is there is not fetched again; a
 * transfer that broke off goes on where it was, also in the next call. Node only.
 *
 * @param folder made where it isn't there
 * @returns the folder that `readCifar10` or `readCifar100` takes
 * @throws Error where the host can't be reached or what came isn't the archive; nothing half-unpacked is left
 * @example
 * const { train, test } = await readCifar10(await downloadCifar('cifar-10', 'data'))
 */
export async function downloadCifar(
  name: keyof typeof archives,
  folder: string,
  options: DownloadOptions = {},
): Promise<string> {
  const { existsSync } = await import('node:fs')
  const { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } =
    await import('node:fs/promises')
  const { createHash } = await import('node:crypto')
  const { join } = await import('node:path')
  const { extract } = await import('tar')

  const archive = archives[name]
  const target = join(folder, archive.holds)
  if (existsSync(join(target, checksumFile))) return target
  await mkdir(folder, { recursive: true })
  const part = join(folder, `${archive.holds}.tar.gz.part`)
  await fetchWhole(options.url ?? archive.url, part, options)

  const expected = options.md5 ?? archive.md5
  const found = createHash('md5')
    .update(await readFile(part))
    .digest('hex')
  if (found !== expected) {
    await rm(part)
    throw new Error(
      `cifar10: what came from ${options.url ?? archive.url} isn't the archive (md5 ${found}, expected ${expected}). ` +
        'It was removed; try again, and another network if it happens again.',
    )
  }
  // Unpacked beside and renamed, so that the folder is whole or not there.
  const beside = await mkdtemp(join(folder, '.unpacking-'))
  try {
    await extract({ file: part, cwd: beside, strict: true })
    const unpacked = join(beside, archive.holds)
    const checksums: Record<string, string> = {}
    for (const file of await readdir(unpacked))
      checksums[file] = createHash('sha256')
        .update(await readFile(join(unpacked, file)))
        .digest('hex')
    await writeFile(join(unpacked, checksumFile), JSON.stringify(checksums))
    await rm(target, { recursive: true, force: true })
    await rename(unpacked, target)
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
  await rm(part)
  return target
}

/** Fetches a file by as many connections as it takes, each going on where the last broke off. */
async function fetchWhole(
  url: string,
  part: string,
  { onProgress, signal, stall = 30, tries = 4 }: DownloadOptions,
): Promise<void> {
  const { open, stat } = await import('node:fs/promises')
  let left = tries
  for (;;) {
    const from = await stat(part).then(
      ({ size }) => size,
      () => 0,
    )
    let there = from
    const stalled = new AbortController()
    let timer = setTimeout(() => stalled.abort(), stall * 1000)
    try {
      signal?.throwIfAborted()
      const response = await fetch(url, {
        headers: from > 0 ? { range: `bytes=${from}-` } : {},
        signal: AbortSignal.any([stalled.signal, ...(signal ? [signal] : [])]),
      })
      // All of it was there already.
      if (response.status === 416) return
      if (!response.ok) throw new Answer(`${response.status} ${response.statusText}`)
      // A host that doesn't know ranges begins anew.
      if (response.status !== 206) there = 0
      const total = there + Number(response.headers.get('content-length') ?? 0)
      const file = await open(part, there > 0 ? 'a' : 'w')
      try {
        for await (const chunk of response.body!) {
          await file.write(chunk)
          there += chunk.length
          clearTimeout(timer)
          timer = setTimeout(() => stalled.abort(), stall * 1000)
          onProgress?.(there, total)
        }
      } finally {
        await file.close()
      }
      if (there >= total) return
      throw new Error(`the connection ended after ${there} of ${total} bytes`)
    } catch (error) {
      if (signal?.aborted) throw error
      const reason = stalled.signal.aborted
        ? `nothing came for ${stall} s`
        : reasonOf(error as Error)
      if (there <= from && --left === 0)
        throw new Error(
          `cifar10: ${url} can't be fetched: ${reason}. What came so far is kept; try again later.`,
          {
            cause: error,
          },
        )
      if (error instanceof Answer) left = Math.min(left, 1)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** The host answered, and not with the file: asking again soon changes little. */
class Answer extends Error {}

const reasonOf = (error: Error): string =>
  error.cause instanceof Error ? error.cause.message : error.message
