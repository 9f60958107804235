import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type Client,
  compareVersions,
  download,
  findWheel,
  pipSettings,
  versionOf,
} from '../src/index.ts'

const content = Buffer.alloc(100_000, 'wheel')
const sha256 = createHash('sha256').update(content).digest('hex')
const names = ['demo-1.9.0-py3-none-any.whl', 'demo-1.10.0-py3-none-any.whl']

let server: Server
let client: Client
let folder: string
/** Range headers of the requests for files. */
let ranges: (string | undefined)[]
let answer: (request: IncomingMessage, response: ServerResponse) => void

beforeEach(async () => {
  ranges = []
  folder = mkdtempSync(join(tmpdir(), 'wheels-'))
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const pip = { ...pipSettings(), index: `http://127.0.0.1:${port}/simple/`, retries: 0 }
  client = { name: 'mine', pip, command: 'npx mine install', advice: 'ask your administrator' }
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

/** Serves an index as JSON or as HTML, and the file that it names. */
function index(kind: 'json' | 'html'): void {
  answer = ({ url, headers }, response) => {
    if (url!.startsWith('/files/')) {
      ranges.push(headers.range)
      const from = Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0)
      response.writeHead(from > 0 ? 206 : 200).end(content.subarray(from))
    } else if (kind === 'json') {
      const files = names.map((filename) => {
        return { filename, url: `/files/${filename}`, hashes: { sha256 }, size: content.length }
      })
      response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json')
      response.end(JSON.stringify({ files }))
    } else {
      response.setHeader('content-type', 'text/html')
      response.end(
        names.map((name) => `<a href="/files/${name}#sha256=${sha256}">${name}</a>`).join('\n'),
      )
    }
  }
}

test.each(['json', 'html'] as const)('finds the newest wheel of an index in %s', async (kind) => {
  index(kind)
  const wheel = await findWheel('demo', /-none-any\.whl$/, () => true, client)
  expect(wheel).toMatchObject({ filename: names[1], sha256 })
  expect(await findWheel('demo', /any/, (version) => version === '1.9.0', client)).toMatchObject({
    filename: names[0],
  })
})

test('lists the versions if none is accepted', async () => {
  index('json')
  await expect(findWheel('demo', /any/, () => false, client)).rejects.toThrow(
    /has no wheel of demo for this machine\nIt has the versions 1\.10\.0, 1\.9\.0\./,
  )
})

test('resumes a download, and checks its hash', async () => {
  index('json')
  const wheel = await findWheel('demo', /any/, () => true, client)
  writeFileSync(join(folder, `${wheel.filename}.part`), content.subarray(0, 60_000))
  const file = await download(wheel, folder, client, () => {})
  expect(ranges).toEqual(['bytes=60000-'])
  expect(readFileSync(file).equals(content)).toBe(true)
  expect(readdirSync(folder)).toEqual([wheel.filename])
})

test('restarts if the partial download was damaged, and fails if the file itself differs', async () => {
  index('json')
  const wheel = await findWheel('demo', /any/, () => true, client)
  writeFileSync(join(folder, `${wheel.filename}.part`), Buffer.alloc(60_000, 'other'))
  await download(wheel, folder, client, () => {})
  expect(ranges).toEqual(['bytes=60000-', undefined])

  const other = { ...wheel, filename: 'other.whl', sha256: '0'.repeat(64) }
  await expect(download(other, folder, client, () => {})).rejects.toThrow(
    'mine: other.whl does not match the index: its sha256 differs',
  )
  expect(readdirSync(folder)).toEqual([wheel.filename])
})

test.each([
  ['2.9.1', '2.10', -1],
  ['1.0', '1.0.0', 0],
  ['3', '2.99', 1],
])('compares the versions %s and %s', (a, b, sign) => {
  expect(Math.sign(compareVersions(a, b))).toBe(sign)
})

test('reads the version from the name', () => {
  expect(versionOf('some_weights-0.1.0-py3-none-any.whl')).toBe('0.1.0')
})
