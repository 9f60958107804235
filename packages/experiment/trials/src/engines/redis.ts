import type * as ioredis from 'ioredis'

/**
 * Returns warnings about data that a Redis server may lose, with remedies.
 *
 * @throws Error if the server can't be reached, or refuses
 */
export async function checkRedis(module: unknown, url: string): Promise<string[]> {
  const { Redis } = module as typeof ioredis
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  // The failed command reports the reason; without a listener it would be printed as well.
  let reason: Error | undefined
  client.on('error', (error: Error) => (reason = error))
  try {
    await client.connect()
    const info = await client.info()
    return notesOf(info, await writesSnapshots(client))
  } catch (error) {
    throw reason ?? error
  } finally {
    client.disconnect()
  }
}

/** Whether the server writes snapshots; undefined if it doesn't permit the query. */
async function writesSnapshots(client: ioredis.Redis): Promise<boolean | undefined> {
  try {
    const [, save] = (await client.config('GET', 'save')) as string[]
    return save !== ''
  } catch {
    return undefined
  }
}

function notesOf(info: string, snapshots: boolean | undefined): string[] {
  const value = (name: string): string | undefined =>
    new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
  const notes: string[] = []
  if (value('aof_enabled') === '0')
    notes.push(
      snapshots === false
        ? 'it stores nothing on disk: a restart loses the experiment. Set appendonly yes.'
        : 'it only writes snapshots: a restart may lose the last minutes. Set appendonly yes.',
    )
  const policy = value('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction')
    notes.push(
      `it evicts keys when its memory is full (maxmemory-policy ${policy}): trials may vanish. Set maxmemory-policy noeviction.`,
    )
  if (value('aof_last_write_status') === 'err' || value('rdb_last_bgsave_status') === 'err')
    notes.push('it failed to write to its disk. Free some space there.')
  return notes
}
