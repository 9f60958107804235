// Finds wheels on a Python package index.
import { type Client, request, text } from './http.ts'

export interface Wheel {
  readonly filename: string
  readonly url: string
  readonly sha256: string
  /** In bytes, if the index reports it. */
  readonly size: number | undefined
}

/**
 * Finds the newest matching wheel of a project, by platform tag and version.
 *
 * @throws Error if there is no match, listing the available versions
 * @example
 * const client = { name: 'mine', pip: pipSettings(), command: 'npx mine install', advice: 'ask your administrator' }
 * const wheel = await findWheel('some-weights', /-none-any\.whl$/, (version) => version === '0.1.0', client)
 * @see PEP 691 (the index as JSON), PEP 503 (as HTML, for mirrors without JSON)
 */
export async function findWheel(
  project: string,
  tag: RegExp,
  accepts: (version: string) => boolean,
  client: Client,
): Promise<Wheel> {
  const { name, pip } = client
  const answer = await request(`${pip.index}${project}/`, client, {
    accept: 'application/vnd.pypi.simple.v1+json, text/html;q=0.1',
  })
  const { url, headers } = answer.response
  const isJson = (headers.get('content-type') ?? '').includes('json')
  const wheels = (isJson ? fromJson : fromHtml)(await text(answer), url)
  const fitting = wheels
    .filter(({ filename }) => tag.test(filename) && /^\d+(\.\d+)*$/.test(versionOf(filename)))
    .toSorted((a, b) => compareVersions(versionOf(b.filename), versionOf(a.filename)))
  const found = fitting.find(({ filename }) => accepts(versionOf(filename)))
  if (found) return { ...found, url: withCredentials(found.url, pip.index) }
  const there = [...new Set(fitting.map(({ filename }) => versionOf(filename)))].slice(0, 5)
  throw new Error(
    `${name}: ${new URL(pip.index).host} has no wheel of ${project} for this machine\n` +
      (there.length > 0
        ? `It has the versions ${there.join(', ')}.`
        : 'It has no version for this platform.'),
  )
}

/** A mirror with a password for its index requires it for its files too. */
function withCredentials(address: string, index: string): string {
  const [url, from] = [new URL(address), new URL(index)]
  if (url.host === from.host)
    Object.assign(url, { username: from.username, password: from.password })
  return url.href
}

function fromJson(body: string, base: string): Wheel[] {
  interface File {
    readonly filename: string
    readonly url: string
    readonly hashes: { readonly sha256?: string }
    readonly size?: number
    readonly yanked?: boolean | string
  }
  const { files } = JSON.parse(body) as { files: File[] }
  return files
    .filter(({ yanked, hashes }) => !yanked && hashes.sha256)
    .map(({ filename, url, hashes, size }) => {
      return { filename, url: new URL(url, base).href, sha256: hashes.sha256!, size }
    })
}

function fromHtml(body: string, base: string): Wheel[] {
  return [...body.matchAll(/<a\s([^>]*)>\s*([^<]+?)\s*<\/a>/g)].flatMap(([, attributes, name]) => {
    const href = /href\s*=\s*["']([^"'#]+)#sha256=([0-9a-f]{64})["']/.exec(attributes!)
    if (!href || /data-yanked/.test(attributes!)) return []
    const url = new URL(href[1]!.replaceAll('&amp;', '&'), base).href
    return [{ filename: name!, url, sha256: href[2]!, size: undefined }]
  })
}

/** The version in a wheel's name. */
export const versionOf = (filename: string): string => filename.split('-')[1] ?? ''

/**
 * Compares versions, numbers separated by points: below 0 if a is older than b, 0 if they are equal.
 *
 * @example
 * compareVersions('2.9.1', '2.10') // -1
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
