import type * as pg from 'pg'

/**
 * Returns warnings about data that a PostgreSQL server may lose, with remedies.
 *
 * @throws Error if the server can't be reached, or refuses
 */
export async function checkPostgres(module: unknown, url: string): Promise<string[]> {
  const { Client } = module as typeof pg
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ fsync: string; readonly: string; mayCreate: boolean }>(
      `SELECT current_setting('fsync') AS fsync, current_setting('transaction_read_only') AS readonly,
        has_database_privilege(current_database(), 'CREATE')
          OR EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = 'bullmq') AS "mayCreate"`,
    )
    const { fsync, readonly, mayCreate } = rows[0]!
    if (readonly === 'on') throw new Error('the database is read-only')
    if (!mayCreate)
      throw new Error(
        `the user may not create the schema bullmq. Run GRANT CREATE ON DATABASE … TO … as its owner.`,
      )
    return fsync === 'off'
      ? ['it may lose the experiment if its machine goes down (fsync off). Set fsync on.']
      : []
  } finally {
    await client.end().catch(() => undefined)
  }
}
