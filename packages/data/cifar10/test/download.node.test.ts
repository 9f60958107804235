import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { create } from 'tar'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { downloadCifar, readCifar100 } from '../src/index.ts'

const root = mkdtempSync(join(tmpdir(), 'cifar-'))
let archive: Buffer
let md5: string

/** A real CIFAR-100 archive with synthetic pixels. */
beforeAll(async () => {
  const inner = join(root, 'source', 'cifar-100-binary')
  mkdirSync(inner, { recursive: true })
  const records = (count: number): Buffer => {
    const bytes = Buffer.alloc(count * 3074)
    for (let i = 0; i < count; i++) {
      bytes[i * 3074] = i % 20
      bytes[i * 3074 + 1] = i % 100
      bytes.fill(i % 251, i * 3074 + 2, i * 3074 + 1026)
      bytes.fill(255, i * 3074 + 2050, i * 3074 + 3074)
    }
    return bytes
  }
  writeFileSync(join(inner, 'train.bin'), records(50_000))
  writeFileSync(join(inner, 'test.bin'), records(10_000))
  const names = (count: number): string =>
    Array.from({ length: count }, (_, i) => `class${i}\n`).join('')
  writeFileSync(join(inner, 'fine_label_names.txt'), names(100))
  writeFileSync(join(inner, 'coarse_label_names.txt'), names(20))
  const file = join(root, 'archive.tar.gz')
  await create({ gzip: true, file, cwd: join(root, 'source') }, ['cifar-100-binary'])
  archive = readFileSync(file)
  md5 = createHash('md5').update(archive).digest('hex')
})
afterAll(() => rmSync(root, { recursive: true }))

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

type Answer = (request: IncomingMessage, response: ServerResponse, from: number) => void
const seen: number[] = []

/** Serves the given responses in turn, and the last one for all further requests. */
async function serve(...answers: Answer[]): Promise<string> {
  seen.length = 0
  const server = createServer((request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    seen.push(from)
    answers[Math.min(seen.length, answers.length) - 1]!(request, response, from)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/archive.tar.gz`
}

const whole: Answer = (_, response, from) => {
  const rest = archive.subarray(from)
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': rest.length }).end(rest)
}
const half = (): number => Math.floor(archive.length / 2)
const cut: Answer = (_, response, from) => {
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': archive.length - from })
  // Delayed, as data that the client has not read by then is lost.
  response.write(archive.subarray(from, half()), () => setTimeout(() => response.destroy(), 200))
}
const stalling: Answer = (_, response, from) => {
  response.writeHead(200, { 'content-length': archive.length - from })
  response.write(archive.subarray(from, from + 1000))
}

let folders = 0
const folder = (): string => join(root, `data${folders++}`)
const leftIn = (path: string): string[] => (existsSync(path) ? readdirSync(path) : [])

test('fetches, checks, unpacks, and does not fetch again', async () => {
  const url = await serve(whole)
  const into = folder()
  const progress: number[][] = []
  const folder100 = await downloadCifar('cifar-100', into, {
    url,
    md5,
    onProgress: (...each) => progress.push(each),
  })
  expect(progress.at(-1)).toEqual([archive.length, archive.length])
  expect(leftIn(into)).toEqual(['cifar-100-binary'])
  await downloadCifar('cifar-100', into, { url, md5 })
  expect(seen).toHaveLength(1)

  const fine = await readCifar100(folder100)
  expect([fine.train.labels.length, fine.test.labels.length, fine.train.classes.length]).toEqual([
    50_000, 10_000, 100,
  ])
  expect([fine.train.labels[57], ...fine.train.images.subarray(57 * 3072, 57 * 3072 + 3)]).toEqual([
    57, 57, 0, 255,
  ])
  const coarse = await readCifar100(into, { labels: 'coarse' })
  expect([coarse.train.labels[57], coarse.train.classes.length]).toEqual([17, 20])

  const file = join(folder100, 'test.bin')
  const bytes = readFileSync(file)
  bytes[100_000]! ^= 1
  writeFileSync(file, bytes)
  await expect(readCifar100(folder100)).rejects.toThrow(
    /test\.bin was altered since it was downloaded: remove/,
  )
})

test('an interrupted transfer resumes', async () => {
  const url = await serve(cut, whole)
  await downloadCifar('cifar-100', folder(), { url, md5 })
  expect(seen).toEqual([0, half()])
})

test('even in a later call', async () => {
  const into = folder()
  const url = await serve(cut)
  await expect(downloadCifar('cifar-100', into, { url, md5, tries: 1 })).rejects.toThrow(
    /can't be fetched.*kept/,
  )
  expect(leftIn(into)).toEqual(['cifar-100-binary.tar.gz.part'])
  const again = await serve(whole)
  await downloadCifar('cifar-100', into, { url: again, md5 })
  expect(seen).toEqual([half()])
})

test('a stalled transfer is retried', async () => {
  const url = await serve(stalling, whole)
  await downloadCifar('cifar-100', folder(), { url, md5, stall: 0.2 })
  expect(seen).toEqual([0, 1000])
})

test('a host without ranges restarts from the beginning', async () => {
  const url = await serve(cut, (request, response) => whole(request, response, 0))
  await downloadCifar('cifar-100', folder(), { url, md5 })
  expect(seen).toEqual([0, half()])
})

test('a wrong byte is detected, and nothing remains', async () => {
  const into = folder()
  const url = await serve((_, response) => {
    const wrong = Buffer.from(archive)
    wrong[half()]! ^= 1
    response.writeHead(200, { 'content-length': wrong.length }).end(wrong)
  })
  await expect(downloadCifar('cifar-100', into, { url, md5 })).rejects.toThrow(
    /isn't the archive \(md5 [0-9a-f]{32}, expected [0-9a-f]{32}\)/,
  )
  expect(leftIn(into)).toEqual([])
})

test('bytes are unmodified, whatever the content encoding, and redirects are followed', async () => {
  const url = await serve(
    (_, response) => response.writeHead(302, { location: '/elsewhere.tar.gz' }).end(),
    (request, response) => {
      expect(request.url).toBe('/elsewhere.tar.gz')
      response.writeHead(200, { 'content-encoding': 'x-gzip' }).end(archive)
    },
  )
  const into = folder()
  await downloadCifar('cifar-100', into, { url, md5 })
  expect(leftIn(into)).toEqual(['cifar-100-binary'])
})

test('a complete file is unpacked without another download', async () => {
  const into = folder()
  mkdirSync(into)
  writeFileSync(join(into, 'cifar-100-binary.tar.gz.part'), archive)
  const url = await serve((_, response) => response.writeHead(416).end())
  await downloadCifar('cifar-100', into, { url, md5 })
  expect(seen).toEqual([archive.length])
  expect(leftIn(into)).toEqual(['cifar-100-binary'])
})

/** An archive with one file of the given name, built by hand, as `tar` refuses to. */
function archiveOf(name: string): Buffer {
  const header = Buffer.alloc(1024)
  header.write(name)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${(4).toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.fill(' ', 148, 156)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  header.write('evil', 512)
  return gzipSync(Buffer.concat([header, Buffer.alloc(1024)]))
}

test.each([
  ['../escaped', "can't be unpacked: TAR_ENTRY_ERROR: path contains '..'"],
  ['other/train.bin', "can't be unpacked: it contains no cifar-100-binary"],
])('an archive that holds %s is rejected, and nothing is unpacked', async (name, message) => {
  const into = folder()
  const other = archiveOf(name)
  const url = await serve((_, response) => response.end(other))
  await expect(
    downloadCifar('cifar-100', into, { url, md5: createHash('md5').update(other).digest('hex') }),
  ).rejects.toThrow(message)
  expect(leftIn(into)).toEqual(['cifar-100-binary.tar.gz.part'])
})

test('a folder of the same name from elsewhere is unchanged', async () => {
  const into = folder()
  mkdirSync(join(into, 'cifar-100-binary'), { recursive: true })
  await expect(downloadCifar('cifar-100', into)).rejects.toThrow(
    "wasn't downloaded by this package",
  )
  expect(leftIn(into)).toEqual(['cifar-100-binary'])
})

test('an abort ends it, and the received part is kept', async () => {
  const into = folder()
  const stop = new AbortController()
  const url = await serve(stalling)
  const aborted = downloadCifar('cifar-100', into, {
    url,
    md5,
    signal: stop.signal,
    onProgress: () => stop.abort(new Error('enough')),
  })
  await expect(aborted).rejects.toThrow('enough')
  expect(readFileSync(join(into, 'cifar-100-binary.tar.gz.part'))).toEqual(
    archive.subarray(0, 1000),
  )
})

test('reports a missing file, an unreachable host, an early abort and a wrong name', async () => {
  const into = folder()
  const url = await serve((_, response) => response.writeHead(404, 'Not Found').end())
  await expect(downloadCifar('cifar-100', into, { url, md5 })).rejects.toThrow('404 Not Found')
  expect(seen).toHaveLength(1)
  const busy = await serve((_, response) => response.writeHead(503).end(), whole)
  await downloadCifar('cifar-100', folder(), { url: busy, md5 })
  expect(seen).toHaveLength(2)
  await expect(
    downloadCifar('cifar-100', into, { url: 'http://127.0.0.1:9/', md5, tries: 1 }),
  ).rejects.toThrow("can't be fetched")
  const stop = new AbortController()
  stop.abort(new Error('enough'))
  await expect(downloadCifar('cifar-100', into, { url, md5, signal: stop.signal })).rejects.toThrow(
    'enough',
  )
  expect(leftIn(into)).toEqual([])
  await expect(downloadCifar('cifar10' as 'cifar-10', into)).rejects.toThrow(
    'expected the data set to be cifar-10 or cifar-100, got cifar10',
  )
})
