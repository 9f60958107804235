import { createRequire } from 'node:module'
import type * as BullMQ from 'bullmq'
import type { ConnectionOptions } from 'bullmq'
import type { Address } from './address.ts'
import { checkPostgres } from './postgres.ts'
import { checkRedis } from './redis.ts'

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
