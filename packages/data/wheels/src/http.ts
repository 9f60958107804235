// HTTP requests with a timeout, and with advice for networks without direct access.
import type { PipSettings } from './pip.ts'

/** The package for which files are downloaded. */
export interface Client {
  /** The prefix of each message. */
  readonly name: string
  readonly pip: PipSettings
  /** The user's command, for messages that advise to run it with other settings: `npx @tricks/native install`. */
  readonly command: string
  /** One line of further advice for missing network access. */
  readonly advice: string
}

export interface Answer {
  readonly response: Response
  /** The body; throws if nothing is received for `timeout` seconds. */
  readonly chunks: AsyncIterable<Uint8Array>
}

/** An error for a lost connection, which is worth a retry. */
export class Unreachable extends Error {}

/**
 * Sends a request, with pip's timeout for connections without data.
 *
 * @throws Unreachable without a response; Error for an error response
 * @example
 * const client = { name: 'mine', pip: pipSettings(), command: 'npx mine install', advice: 'ask your administrator' }
 * const { response } = await request(`${client.pip.index}some-weights/`, client)
 */
export async function request(
  address: string,
  client: Client,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const url = new URL(address)
  const { host } = url
  const { name, pip } = client
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  if (credentials !== ':') headers = { ...headers, authorization: `Basic ${btoa(credentials)}` }
  url.username = ''
  url.password = ''
  const silence = new AbortController()
  const withTimeout = async <Value>(promise: Promise<Value>): Promise<Value> => {
    const timer = setTimeout(() => silence.abort(), pip.timeout * 1000)
    try {
      return await promise
    } catch (error) {
      const reason = silence.signal.aborted ? `no data for ${pip.timeout} s` : reasonOf(error)
      throw new Unreachable(
        `${name}: the connection to ${host} failed (${reason})\n${networkAdvice(client)}`,
        {
          cause: error,
        },
      )
    } finally {
      clearTimeout(timer)
    }
  }
  const response = await withTimeout(fetch(url, { headers, signal: silence.signal }))
  if (!response.ok && response.status !== 416) {
    await response.body?.cancel()
    throw new Error(
      `${name}: ${url.href} answered ${response.status} ${response.statusText}`.trim(),
    )
  }
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    const reader = response.body!.getReader()
    try {
      for (;;) {
        const { done, value } = await withTimeout(reader.read())
        if (done) return
        yield value
      }
    } finally {
      await reader.cancel().catch(() => undefined)
    }
  }
  return { response, chunks: chunks() }
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: Error & { code?: string } }
  return cause?.code ?? cause?.message ?? message
}

const networkAdvice = ({ command, advice }: Client): string =>
  'Run it again to resume the download. If the machine has no direct network access:\n' +
  `  a mirror of PyPI: PIP_INDEX_URL=https://… ${command}\n` +
  '  a proxy: NODE_USE_ENV_PROXY=1 HTTPS_PROXY=… (Node 22.21 or 24 and later); custom certificates: NODE_EXTRA_CA_CERTS=FILE\n' +
  `  ${advice}`

export async function text({ chunks }: Answer): Promise<string> {
  const decoder = new TextDecoder()
  let whole = ''
  for await (const chunk of chunks) whole += decoder.decode(chunk, { stream: true })
  return whole + decoder.decode()
}
