import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTrials } from '../src/open.ts'
import { chaos, contract, killsOf } from './contract.ts'
import { postgres, postgresServer, type Server } from './servers.ts'

const reason = postgresServer ? '' : ' (skipped: PostgreSQL is not installed)'

describe.skipIf(!postgresServer)(`PostgreSQL${reason}`, () => {
  let server: Server
  beforeAll(async () => {
    server = await postgres()
    await server.start()
  })
  afterAll(() => server.kill())
  const address = (name: string): string => server.url(name)

  contract(address)

  test('chaos: workers, server and driver are killed, and the results equal those of an undisturbed run', async ({
    onTestFinished,
  }) => {
    const { restarts } = await chaos(onTestFinished, server, address, killsOf(1))
    expect(restarts).toBeGreaterThan(0)
  })

  test('refuses without permissions, and reports what may be lost', async () => {
    const lines: string[] = []
    const say = (line: string): void => void lines.push(line)
    const client = new Client(server.url('a').replace(/\?.*/, ''))
    await client.connect()
    await client.query('CREATE ROLE guest LOGIN')
    await client.query('CREATE DATABASE other')
    await client.query('ALTER SYSTEM SET fsync TO off')
    await client.query('SELECT pg_reload_conf()')
    const guest = server.url('a').replace('tricks@', 'guest@').replace('/postgres?', '/other?')
    await expect(openTrials(guest, { say })).rejects.toThrow(
      /^trials: can't use postgres:.*other.*: the user may not create the schema bullmq\. Run GRANT CREATE/,
    )
    await expect(openTrials(guest.replace('guest@', 'nobody@'))).rejects.toThrow(
      /role "nobody" does not exist/,
    )
    const there = await openTrials(server.url('a'), { say })
    await there.close()
    expect(lines).toEqual([expect.stringMatching(/fsync off\)\. Set fsync on\.$/)])
    await expect(openTrials(server.url('a').replace('tricks@', 'guest@'), { say })).rejects.toThrow(
      /permission denied/,
    )
    await client.end()
  })
})
