// A local Python package index and npm registry that can be made to fail.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { versions } from '../src/installation.ts'

type Files = Readonly<Record<string, Uint8Array | string>>

/** A wheel with a RECORD of its files. `change` alters them afterwards, like a transfer error. */
export function makeWheel(files: Files, change: Files = {}): Uint8Array {
  const bytes = (value: Uint8Array | string) =>
    typeof value === 'string' ? new TextEncoder().encode(value) : value
  const record = Object.entries(files).map(([name, value]) => {
    const hash = createHash('sha256').update(bytes(value)).digest('base64url')
    return `${name},sha256=${hash},${bytes(value).length}`
  })
  const all = { ...files, 'fake-1.dist-info/RECORD': `${record.join('\n')}\n`, ...change }
  const entries = Object.entries(all).map(([name, value]) => [name, bytes(value)] as const)
  return zipSync(Object.fromEntries(entries), { level: 0 })
}

/** Non-repeating bytes, so that a byte at the wrong offset is detected. */
export function noise(length: number): Uint8Array {
  let state = 1
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
}

const library = process.platform === 'darwin' ? 'libtensorflow_cc.2.dylib' : 'libtensorflow_cc.so.2'
export const tensorflowFiles: Files = {
  [`tensorflow/${library}`]: noise(3_000_000),
  [`tensorflow/${library.replace('_cc', '_framework')}`]: 'the framework',
  'tensorflow/include/tensorflow/c/c_api.h': '',
  'tensorflow/python/unneeded.py': 'import tensorflow',
}
const tags: Readonly<Record<string, string>> = {
  'linux x64': 'manylinux_2_27_x86_64',
  'linux arm64': 'manylinux_2_27_aarch64',
  'darwin arm64': 'macosx_12_0_arm64',
}
const tag = tags[`${process.platform} ${process.arch}`]

/** Whether TensorFlow has wheels for this machine. */
export const supported: boolean = tag !== undefined

const cpu = `${process.platform} ${process.arch}` === 'linux x64' ? 'tensorflow_cpu' : 'tensorflow'
export const wheelName: string = `${cpu}-${versions.tensorflow}-cp312-cp312-${tag}.whl`
export const nameOf = (project: string, version: string): string =>
  `${project}-${version}-py3-none-${tag}.whl`

/** Handles a request for a wheel; undefined to serve the wheel. */
export type Fault = (
  request: IncomingMessage,
  response: ServerResponse,
  body: Uint8Array,
) => boolean

export interface Mirror extends AsyncDisposable {
  readonly index: string
  readonly registry: string
  /** Each request, as `path` or `path bytes=…`. */
  readonly requests: string[]
  readonly wheels: Map<string, Uint8Array>
  fault?: Fault | undefined
  /** Responds only in HTML, like the oldest mirrors. */
  html?: boolean
  /** `user:password`, required for every request. */
  credentials?: string
}

/** @param folder where the fake npm packages are packed */
export async function startMirror(folder: string): Promise<Mirror> {
  const packages = npmPackages(folder)
  const wheels = new Map([[wheelName, makeWheel(tensorflowFiles)]])
  const requests: string[] = []
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost')
    const { range, authorization } = request.headers
    requests.push(range ? `${pathname} ${range}` : pathname)
    const { credentials } = mirror
    if (credentials && authorization !== `Basic ${btoa(credentials)}` && !pathname.includes('npm'))
      return response.writeHead(401).end()
    const [, area, ...rest] = pathname.split('/')
    const name = decodeURIComponent(rest.filter(Boolean).join('/'))
    if (area === 'simple') return index(name, response)
    if (area === 'wheels') {
      const body = wheels.get(name)!
      return mirror.fault?.(request, response, body) || send(response, body, range)
    }
    const found = packages.get(name)
    if (!found) return response.writeHead(404).end()
    return send(response, typeof found === 'function' ? found(mirror.registry) : found)
  })

  function index(project: string, response: ServerResponse): void {
    const own = [...wheels].filter(
      ([name]) => name.split('-')[0]!.replaceAll('_', '-') === project.replaceAll('_', '-'),
    )
    if (own.length === 0) return void response.writeHead(404).end()
    const hash = (body: Uint8Array) => createHash('sha256').update(body).digest('hex')
    if (mirror.html) {
      const links = own.map(
        ([name, body]) => `<a href="../../wheels/${name}#sha256=${hash(body)}">${name}</a><br/>`,
      )
      response.writeHead(200, { 'content-type': 'text/html' })
      return void response.end(`<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`)
    }
    const files = own.map(([filename, body]) => {
      const url = `../../wheels/${filename}`
      return { filename, url, hashes: { sha256: hash(body) }, size: body.length }
    })
    response.writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' })
    response.end(JSON.stringify({ files }))
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const mirror: Mirror = {
    index: `${address}/simple`,
    registry: `${address}/npm/`,
    requests,
    wheels,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return mirror
}

function send(response: ServerResponse, body: Uint8Array | string, range?: string): void {
  const from = range ? Number(/bytes=(\d+)-/.exec(range)![1]) : 0
  if (from > 0 && from >= body.length) return void response.writeHead(416).end()
  const rest = from > 0 ? body.slice(from) : body
  const length = typeof rest === 'string' ? Buffer.byteLength(rest) : rest.length
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': length }).end(rest)
}

/** tfjs-node and its dependencies, as empty packages. */
function npmPackages(folder: string): Map<string, Uint8Array | ((registry: string) => string)> {
  const found = new Map<string, Uint8Array | ((registry: string) => string)>()
  for (const [name, version] of [
    ['@tensorflow/tfjs-node', versions.tfjsNode],
    ['google-protobuf', versions.protobuf],
  ] as const) {
    const source = join(folder, name.replace('/', '-'))
    mkdirSync(join(source, 'package'), { recursive: true })
    writeFileSync(join(source, 'package/package.json'), JSON.stringify({ name, version }))
    execFileSync('tar', ['-czf', join(source, 'archive.tgz'), '-C', source, 'package'])
    const archive = readFileSync(join(source, 'archive.tgz'))
    const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`
    found.set(`${name}.tgz`, archive)
    found.set(name, (registry) =>
      JSON.stringify({
        name,
        'dist-tags': { latest: version },
        versions: {
          [version]: { name, version, dist: { integrity, tarball: `${registry}${name}.tgz` } },
        },
      }),
    )
  }
  return found
}
