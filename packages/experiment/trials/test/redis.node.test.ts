import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTrials } from '../src/open.ts'
import { chaos, contract, killsOf } from './contract.ts'
import { redis, redisServer, type Server } from './servers.ts'

const reason = redisServer ? '' : ' (skipped: redis-server is not installed)'

describe.skipIf(!redisServer)(`Redis${reason}`, () => {
  let server: Server
  beforeAll(async () => {
    server = await redis()
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
})

describe.skipIf(!redisServer)(`a Redis server that can't be trusted${reason}`, () => {
  const linesOf = async (options: readonly string[]): Promise<string[]> => {
    const server = await redis(...options)
    await server.start()
    const lines: string[] = []
    try {
      await (await openTrials(server.url('a'), { say: (line) => lines.push(line) })).close()
    } finally {
      await server.kill()
    }
    return lines
  }

  test('reports missing persistence and eviction', async () => {
    const lines = await linesOf(['--appendonly', 'no', '--maxmemory-policy', 'allkeys-lru'])
    expect(lines).toEqual([
      expect.stringMatching(/^redis:.*stores nothing on disk.*Set appendonly yes\.$/),
      expect.stringMatching(/maxmemory-policy allkeys-lru.*Set maxmemory-policy noeviction\.$/),
    ])
    expect(await linesOf(['--appendonly', 'no', '--save', '60 1'])).toEqual([
      expect.stringMatching(/only writes snapshots/),
    ])
    expect(await linesOf([])).toEqual([])
  })

  test('refuses without permissions, or without a server', async () => {
    await expect(linesOf(['--requirepass', 'secret'])).rejects.toThrow(
      /^trials: can't use redis:\/\/127.*: NOAUTH/,
    )
    await expect(
      linesOf(['--user', ...'default on nopass ~* -@all +ping +info +hello +client'.split(' ')]),
    ).rejects.toThrow(/NOPERM/)
    await expect(openTrials('redis://user:secret@127.0.0.1:1?experiment=a')).rejects.toThrow(
      /^trials: can't use redis:\/\/user:.*@127.0.0.1:1\?experiment=a: connect ECONNREFUSED/,
    )
  })
})
