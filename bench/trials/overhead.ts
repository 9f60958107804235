// What a trial costs besides its training: a thousand that return immediately, on each engine. Redis and PostgreSQL are included if
// they are installed. `node --conditions=@tricks/source bench/trials/overhead.ts [trials] [processes]` under Node 24.
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openTrials, settle, type Trial, trialOf, withWorkers } from '@tricks/trials'
import {
  postgres,
  postgresServer,
  redis,
  redisServer,
} from '../../packages/experiment/trials/test/servers.ts'

const [count = 1000, processes = 2] = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(tmpdir(), 'bench-'))
const module = join(import.meta.dirname, 'stub.ts')
const trials: readonly Trial[] = Array.from({ length: count }, (_, i) =>
  trialOf({ kind: 'stub', config: { rate: i }, seed: 0, budget: 1 }),
)

interface Engine {
  readonly address: string
  /** MiB that the trials take: of files, or of the memory of the server's processes. */
  size(): number
}

/** Memory of all processes of a program in MiB, with what they share counted once. */
function memoryOf(program: string): number {
  const sizes = globSync('/proc/[0-9]*/comm').map((file) => {
    try {
      if (readFileSync(file, 'utf8').trim() !== program) return 0
      const text = readFileSync(join(dirname(file), 'smaps_rollup'), 'utf8')
      return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
    } catch {
      // The process has ended.
      return 0
    }
  })
  return sizes.reduce((sum, size) => sum + size, 0) / 1024
}

async function seconds<T>(work: () => Promise<T>): Promise<readonly [number, T]> {
  const start = performance.now()
  const result = await work()
  return [(performance.now() - start) / 1000, result]
}

async function measure(name: string, { address, size }: Engine): Promise<void> {
  const before = size()
  const queue = await openTrials(address)
  const [adding] = await seconds(() => queue.add(trials))
  const options = { module, storage: join(folder, `storage-${name}`), processes }
  const [running, entries] = await seconds(() =>
    withWorkers(queue, options, (signal) => settle(queue, trials, { signal })),
  )
  const finished = entries.filter(({ state, attempts }) => state === 'finished' && attempts === 1)
  if (finished.length !== count) throw new Error(`${name}: ${finished.length} of ${count} finished`)
  const times: number[] = []
  for (let i = 0; i < 5; i++) times.push((await seconds(() => queue.list()))[0])
  const listing = times.toSorted((a, b) => a - b)[2]!
  const grown = size() - before
  await queue.close()
  const ms = (time: number): string => (time * 1000).toFixed(time < 0.01 ? 2 : 0)
  console.log(
    `| ${name} | ${ms(adding)} | ${ms(running / count)} | ${ms(listing)} | ${grown.toFixed(1)} |`,
  )
}

console.log(
  `${cpus().length} × ${cpus()[0]!.model}, Node ${process.version}, ${count} trials, ${processes} processes, ` +
    `load ${loadavg()[0]!.toFixed(1)}\n`,
)
console.log('| engine | adding all, ms | per trial, ms | listing all, ms | size, MiB |')
console.log('| --- | ---: | ---: | ---: | ---: |')
const local = join(folder, 'local')
const sizeOf = (): number =>
  globSync(join(local, '*')).reduce((sum, file) => sum + statSync(file).size, 0) / 2 ** 20
await measure('local', { address: local, size: sizeOf })
const servers = [
  ['Redis', redisServer, redis, 'redis-server'],
  ['PostgreSQL', postgresServer, postgres, 'postgres'],
] as const
for (const [name, installed, make, program] of servers) {
  if (installed === undefined) continue
  const server = await make()
  await server.start()
  await measure(name, { address: server.url('bench'), size: () => memoryOf(program) })
  await server.kill()
}
rmSync(folder, { recursive: true })
process.exit()
