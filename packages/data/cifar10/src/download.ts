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
  /** Another place to fetch the archive from. */
  readonly url?: string
  /** What its md5 has to be; by default the one published on the data set's page. */
  readonly md5?: string
  /** Called with bytes there and their total, 0 where the host doesn't tell it. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
  /** Seconds without a byte after which the connection is given up and tried again; default 30. */
  readonly stall?: number
  /** Tries that bring nothing new before it gives up; default 4, after pauses of 1, 2 and 4 s. */
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
      `cifar10: ${target} is there and wasn't downloaded by this package: read it as it is, or move it away`,
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
      `cifar10: what came from ${url} isn't the archive (md5 ${found}, expected ${expected}). ` +
        'It was removed; try again, and another network if it happens again.',
    )
  }
  // Unpacked beside and renamed, so that the folder is whole or not there.
  const beside = await mkdtemp(join(folder, '.unpacking-'))
  try {
    await extract({ file: part, cwd: beside, strict: true })
    const unpacked = join(beside, archive.holds)
    if (!existsSync(unpacked)) throw new Error(`it holds no ${archive.holds}`)
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

/** Fetches a file by as many connections as it takes, each going on where the last broke off. */
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
          `cifar10: ${url} can't be fetched: ${(error as Error).message}. What came so far is kept; try again later.`,
          { cause: error },
        )
      if (!brought) await pause(1000 * 2 ** (tries - left - 1), undefined, { signal })
    }
  }
}

/** One connection's part: what follows the bytes that are there, or all of it where the host knows no ranges. */
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
  // All of it was there already.
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
 * The host's answer, after redirects, its bytes as they came: `fetch` would unzip an archive that a host marks as
 * encoded by gzip, as many do by its name.
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
      .on('timeout', () => coming.destroy(new Error(`nothing came for ${stall} s`)))
  })
  const { location } = answer.headers
  if (location === undefined || redirects === 0) return answer
  answer.destroy()
  return answerOf(new URL(location, url).href, headers, stall, signal, redirects - 1)
}

/** The host answered, and not with the file. */
class Refusal extends Error {
  /** Asking again soon changes nothing. */
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
