import type * as ioredis from 'ioredis'

/**
 * What a Redis server may lose, in sentences with their remedies.
 *
 * @throws Error if it can't be reached, or refuses
 */
export async function checkRedis(module: unknown, url: string): Promise<string[]> {
  const { Redis } = module as typeof ioredis
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  // The failed command says why; without a listener it would be printed, too.
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

/** Whether it writes snapshots; undefined if it doesn't tell. */
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
        ? 'it keeps nothing on disk: a restart loses the experiment. Set appendonly yes.'
        : 'it writes snapshots only: a restart may lose the last minutes. Set appendonly yes.',
    )
  const policy = value('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction')
    notes.push(
      `it drops keys when its memory is full (maxmemory-policy ${policy}): trials may vanish. Set maxmemory-policy noeviction.`,
    )
  if (value('aof_last_write_status') === 'err' || value('rdb_last_bgsave_status') === 'err')
    notes.push('it failed to write to its disk. Free some space there.')
  return notes
}
