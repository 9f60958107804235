import { createRequire } from 'node:module'
import type * as BullMQ from 'bullmq'
import type { ConnectionOptions } from 'bullmq'
import { checkPostgres } from './postgres.ts'
import { checkRedis } from './redis.ts'

/** Address of an experiment on a server: `redis://host:6379?experiment=name`. */
export interface Address {
  readonly backend: 'redis' | 'postgres'
  /** URL for the server's client, without our own parameters. */
  readonly url: string
  readonly experiment: string
  /** For messages, without the password. */
  readonly name: string
}

/**
 * Parses the address of an experiment. @returns undefined for a folder
 * @throws Error if it names another kind of server
 * @example
 * const experiment = addressOf('redis://localhost:6379?experiment=flowers')?.experiment // 'flowers'
 */
export function addressOf(text: string): Address | undefined {
  const [, scheme] = /^([a-z]+):\/\//.exec(text) ?? []
  if (scheme === undefined) return undefined
  const backend = /^rediss?$/.test(scheme)
    ? 'redis'
    : /^postgres(?:ql)?$/.test(scheme)
      ? 'postgres'
      : undefined
  if (backend === undefined || !URL.canParse(text))
    throw new Error(
      `trials: expected the queue to be a folder, redis://… or postgres://…, got ${text.replace(/:[^:@/]*@/, ':…@')}`,
    )
  const url = new URL(text)
  const experiment = url.searchParams.get('experiment') ?? 'trials'
  if (!/^[\w.-]{1,60}$/.test(experiment))
    throw new Error(
      `trials: expected experiment to be up to 60 letters, digits, '-', '_' and '.', got ${experiment}`,
    )
  url.searchParams.delete('experiment')
  const shown = new URL(text)
  if (shown.password !== '') shown.password = '…'
  return { backend, url: url.href, experiment, name: decodeURI(shown.href) }
}

/** Connects BullMQ's classes to a server. */
export interface Server {
  readonly bullmq: typeof BullMQ
  readonly connection: ConnectionOptions
  readonly backend: [] | [typeof BullMQ.createPostgresBackend]
}

/**
 * Connects once to check that the server can be used, and reports data that it may lose.
 *
 * @throws Error if a client package is missing, or the server can't be reached or refuses
 */
export async function connect(address: Address, say: (line: string) => void): Promise<Server> {
  const { backend, url, name } = address
  const client = backend === 'redis' ? 'ioredis' : 'pg'
  const bullmq = load('bullmq', client) as typeof BullMQ
  const module = load(client, client)
  let found: readonly string[]
  try {
    found = await (backend === 'redis' ? checkRedis(module, url) : checkPostgres(module, url))
  } catch (error) {
    throw new Error(`trials: can't use ${name}: ${reasonOf(error)}`, { cause: error })
  }
  for (const line of found) say(`${name}: ${line}`)
  if (backend === 'postgres') {
    const connection = { connectionString: url, migrate: true, max: 3 } as ConnectionOptions
    return { bullmq, connection, backend: [bullmq.createPostgresBackend] }
  }
  const retryStrategy = (times: number): number => Math.min(times * 200, 2000)
  return { bullmq, connection: { url, maxRetriesPerRequest: null, retryStrategy }, backend: [] }
}

/** BullMQ's ES modules can't load a client, its CommonJS modules can. */
function load(name: string, client: string): unknown {
  try {
    return createRequire(import.meta.url)(name) as unknown
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    throw new Error(`trials: ${name} is not installed. Run npm install bullmq ${client}.`, {
      cause: error,
    })
  }
}

/** The message of an error; a failed connection to several addresses has none itself. */
export function reasonOf(error: unknown): string {
  const { message, errors, code } = error as AggregateError & NodeJS.ErrnoException
  return message || errors?.map((each: Error) => each.message).join('; ') || String(code ?? error)
}
