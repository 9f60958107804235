import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
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
  /** Alternative URL of the archive. */
  readonly url?: string
  /** Expected md5; by default the one published on the data set's page. */
  readonly md5?: string
  /** Called with bytes received and the total, or 0 if the host doesn't report it. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
  /** Seconds without data after which the connection is retried; default 30. */
  readonly stall?: number
  /** Attempts without progress before giving up; default 4, with pauses of 1, 2 and 4 s. */
  readonly tries?: number
}

/**
 * Downloads and unpacks the official archive of CIFAR-10 or CIFAR-100. Existing files are not downloaded again; an
 * interrupted transfer resumes, even in a later call. Node only.
 *
 * @param folder created if missing
 * @returns the folder for `readCifar10` or `readCifar100`
 * @throws Error if the host is unreachable or the file isn't the archive; nothing partially unpacked remains
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

  if (!Object.hasOwn(archives, name))
    throw new Error(
      `cifar10: expected the data set to be ${Object.keys(archives).join(' or ')}, got ${name}`,
    )
  const archive = archives[name]
  const url = options.url ?? archive.url
  const target = join(folder, archive.holds)
  if (existsSync(join(target, checksumFile))) return target
  if (existsSync(target))
    throw new Error(
      `cifar10: ${target} exists and wasn't downloaded by this package: read it directly, or move it elsewhere`,
    )
  await mkdir(folder, { recursive: true })
  const part = join(folder, `${archive.holds}.tar.gz.part`)
  await fetchWhole(url, part, options)

  const expected = options.md5 ?? archive.md5
  const found = createHash('md5')
    .update(await readFile(part))
    .digest('hex')
  if (found !== expected) {
    await rm(part)
    throw new Error(
      `cifar10: the file from ${url} isn't the archive (md5 ${found}, expected ${expected}). ` +
        'It was removed; try again, or use another network if this repeats.',
    )
  }
  // Unpacked to a temporary folder and renamed, so that the folder is either complete or absent.
  const beside = await mkdtemp(join(folder, '.unpacking-'))
  try {
    await extract({ file: part, cwd: beside, strict: true })
    const unpacked = join(beside, archive.holds)
    if (!existsSync(unpacked)) throw new Error(`it contains no ${archive.holds}`)
    const checksums: Record<string, string> = {}
    for (const file of await readdir(unpacked))
      checksums[file] = createHash('sha256')
        .update(await readFile(join(unpacked, file)))
        .digest('hex')
    await writeFile(join(unpacked, checksumFile), JSON.stringify(checksums))
    await rename(unpacked, target)
  } catch (error) {
    throw new Error(`cifar10: ${part} can't be unpacked: ${(error as Error).message}`, {
      cause: error,
    })
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
  await rm(part)
  return target
}

/** Downloads a file over as many connections as needed, each resuming where the last was interrupted. */
async function fetchWhole(
  url: string,
  part: string,
  { onProgress, signal, stall = 30, tries = 4 }: DownloadOptions,
): Promise<void> {
  const { setTimeout: pause } = await import('node:timers/promises')
  for (let left = tries; ;) {
    const from = await sizeOf(part)
    signal?.throwIfAborted()
    try {
      return await fetchRest(url, part, from, stall, onProgress, signal)
    } catch (error) {
      signal?.throwIfAborted()
      const brought = (await sizeOf(part)) > from
      if (!brought && (--left === 0 || (error instanceof Refusal && error.final)))
        throw new Error(
          `cifar10: ${url} can't be fetched: ${(error as Error).message}. The received part is kept; try again later.`,
          { cause: error },
        )
      if (!brought) await pause(1000 * 2 ** (tries - left - 1), undefined, { signal })
    }
  }
}

/** A single connection: requests the remaining bytes, or all if the host doesn't support ranges. */
async function fetchRest(
  url: string,
  part: string,
  from: number,
  stall: number,
  onProgress: DownloadOptions['onProgress'],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { open } = await import('node:fs/promises')
  const range = from > 0 ? { range: `bytes=${from}-` } : {}
  const answer = await answerOf(url, range, stall, signal)
  const status = answer.statusCode!
  if (status !== 200 && status !== 206) answer.destroy()
  // The file was already complete.
  if (status === 416) return
  if (status !== 200 && status !== 206) throw new Refusal(status, answer.statusMessage)
  let there = status === 206 ? from : 0
  const length = answer.headers['content-length']
  const total = length === undefined ? 0 : there + Number(length)
  const file = await open(part, there > 0 ? 'a' : 'w')
  try {
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      await file.write(chunk)
      there += chunk.length
      onProgress?.(there, total)
    }
  } finally {
    await file.close()
  }
}

/**
 * The response after redirects, with unmodified bytes: `fetch` would unzip an archive that a host marks as
 * gzip-encoded, as many do by file name.
 */
async function answerOf(
  url: string,
  headers: OutgoingHttpHeaders,
  stall: number,
  signal: AbortSignal | undefined,
  redirects = 5,
): Promise<IncomingMessage> {
  const { get } = url.startsWith('http:') ? await import('node:http') : await import('node:https')
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    let coming: { destroy(error: Error): unknown } = get(
      url,
      { headers, timeout: stall * 1000, ...(signal && { signal }) },
      (response) => {
        coming = response
        resolve(response)
      },
    )
      .on('error', reject)
      .on('timeout', () => coming.destroy(new Error(`no data for ${stall} s`)))
  })
  const { location } = answer.headers
  if (location === undefined || redirects === 0) return answer
  answer.destroy()
  return answerOf(new URL(location, url).href, headers, stall, signal, redirects - 1)
}

/** The host responded, but not with the file. */
class Refusal extends Error {
  /** Whether retrying soon is pointless. */
  readonly final: boolean
  constructor(status: number, text = '') {
    super(`${status} ${text}`)
    this.final = status < 500 && status !== 408 && status !== 429
  }
}

async function sizeOf(path: string): Promise<number> {
  const { stat } = await import('node:fs/promises')
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}
