// Downloads that resume after interruptions and are verified before use.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, Unreachable, request } from './http.ts'
import type { Wheel } from './wheel.ts'

/** Called with the number of bytes received, and the total if known. */
export type Progress = (bytes: number, total: number | undefined) => void

/**
 * Downloads a wheel to a folder, resuming an earlier download, and returns its path.
 *
 * @throws Error if the connection is lost more often than pip's `retries` allows, or if the file differs from the index
 * @example
 * const client = { name: 'mine', pip: pipSettings(), command: 'npx mine install', advice: 'ask your administrator' }
 * const wheel = await findWheel('some-weights', /-none-any\.whl$/, (version) => version === '0.1.0', client)
 * const file = await download(wheel, cacheFolder('mine'), client, (bytes, total) => console.log(bytes, total))
 */
export async function download(
  wheel: Wheel,
  folder: string,
  client: Client,
  progress: Progress,
): Promise<string> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, wheel.filename)
  const part = `${file}.part`
  const resumed = (await sizeOf(part)) > 0
  await fetchAll(wheel, part, client, progress)
  if ((await hash(part)) !== wheel.sha256) {
    await rm(part)
    // The partial download may be at fault: start once more from the beginning.
    if (resumed) return download(wheel, folder, client, progress)
    throw new Error(
      `${client.name}: ${wheel.filename} does not match the index: its sha256 differs\n` +
        'It was deleted. Something between this machine and the index modifies files: try again, on another ' +
        'network if necessary.',
    )
  }
  await rename(part, file)
  return file
}

async function fetchAll(
  wheel: Wheel,
  part: string,
  client: Client,
  progress: Progress,
): Promise<void> {
  for (let failures = 0; ;) {
    const before = await sizeOf(part)
    try {
      return await fetchRest(wheel, part, before, client, progress)
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
      // A connection that makes progress is resumed as long as it does.
      failures = (await sizeOf(part)) > before ? 0 : failures + 1
      if (failures > client.pip.retries) throw error
      await sleep(Math.min(8000, 250 * 2 ** failures))
    }
  }
}

async function fetchRest(
  { url, size }: Wheel,
  part: string,
  from: number,
  client: Client,
  progress: Progress,
): Promise<void> {
  if (from > 0 && from === size) return
  const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {}
  const { response, chunks } = await request(url, client, headers)
  // There is nothing after the downloaded part: it is complete, or the hash will differ.
  if (response.status === 416) return
  let have = response.status === 206 ? from : 0
  const total = size ?? (have + Number(response.headers.get('content-length')) || undefined)
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      yield chunk
      have += chunk.length
      progress(have, total)
    }
  }
  await pipeline(counted, createWriteStream(part, { flags: have > 0 ? 'a' : 'w' }))
  if (total !== undefined && have < total)
    throw new Unreachable(
      `${client.name}: the download of ${url} ended at ${have} of ${total} bytes`,
    )
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0
}

/**
 * The sha256 of a file, in hexadecimal.
 *
 * @example
 * console.log(await hash('some_weights-0.1.0-py3-none-any.whl'))
 */
export async function hash(file: string): Promise<string> {
  const sha256 = createHash('sha256')
  await pipeline(createReadStream(file), sha256)
  return sha256.digest('hex')
}
