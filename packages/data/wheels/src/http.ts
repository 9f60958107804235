// Requests that give up on a server that says nothing, and say what to do about a network that is not there.
import type { PipSettings } from './pip.ts'

/** On whose behalf files are fetched. */
export interface Client {
  /** Begins each message. */
  readonly name: string
  readonly pip: PipSettings
  /** The command that is run with other settings, for messages: `npx @tricks/native install`. */
  readonly command: string
  /** What else to do where the network is missing, in a line. */
  readonly advice: string
}

export interface Answer {
  readonly response: Response
  /** The body; ends with an error where nothing comes for `timeout` seconds. */
  readonly chunks: AsyncIterable<Uint8Array>
}

/** Where the connection was lost: worth another try. */
export class Unreachable extends Error {}

/**
 * A request that is given up if nothing comes for as long as pip's timeout.
 *
 * @throws Unreachable if there is no answer; Error if the answer is an error
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
      const reason = silence.signal.aborted ? `nothing came for ${pip.timeout} s` : reasonOf(error)
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
  'Run it again to resume the download. If the machine has no direct network:\n' +
  `  a mirror of PyPI: PIP_INDEX_URL=https://… ${command}\n` +
  '  a proxy: NODE_USE_ENV_PROXY=1 HTTPS_PROXY=… (Node 22.21 or 24 on); own certificates: NODE_EXTRA_CA_CERTS=FILE\n' +
  `  ${advice}`

export async function text({ chunks }: Answer): Promise<string> {
  const decoder = new TextDecoder()
  let whole = ''
  for await (const chunk of chunks) whole += decoder.decode(chunk, { stream: true })
  return whole + decoder.decode()
}
