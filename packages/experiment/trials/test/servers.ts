// Servers for the tests, on free ports: they are killed and restarted.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, globSync, mkdirSync, mkdtempSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Server {
  /** Address of an experiment. */
  url(experiment: string): string
  start(): Promise<void>
  /** Simulates a crash of the machine. */
  kill(): Promise<void>
}

/** Path of the program, if installed. */
export const redisServer: string | undefined = found(
  '/usr/bin/redis-server',
  '/usr/local/bin/redis-server',
)
export const postgresServer: string | undefined = found('/usr/lib/postgresql/*/bin/postgres')
function found(...patterns: string[]): string | undefined {
  return globSync(patterns).toSorted().at(-1)
}

export async function redis(...options: string[]): Promise<Server> {
  const [folder, port] = [mkdtempSync(join(tmpdir(), 'redis-')), await freePort()]
  const durable = ['--appendonly', 'yes', '--save', '', '--maxmemory-policy', 'noeviction']
  const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
  return serverOf(
    port,
    (experiment) => `redis://127.0.0.1:${port}?experiment=${experiment}`,
    () => spawn(redisServer!, [...where, ...durable, ...options], { stdio: 'ignore' }),
  )
}

export async function postgres(...options: string[]): Promise<Server> {
  const [folder, port] = [mkdtempSync(join(tmpdir(), 'postgres-')), await freePort()]
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  // It refuses to run as root.
  const isRoot = process.getuid?.() === 0
  const as = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
  if (isRoot) {
    chmodSync(folder, 0o711)
    chownSync(data, 65534, 65534)
  }
  const [initdb, ...rest] = [...as, postgresServer!.replace(/postgres$/, 'initdb')]
  execFileSync(initdb, [...rest, '-D', data, '-A', 'trust', '-U', 'tricks', '--no-sync'], {
    stdio: 'ignore',
    cwd: folder,
  })
  const [command, ...words] = [
    ...as,
    postgresServer!,
    '-D',
    data,
    '-p',
    String(port),
    '-h',
    '127.0.0.1',
    '-k',
    '',
    ...options,
  ]
  return serverOf(
    port,
    (experiment) => `postgres://tricks@127.0.0.1:${port}/postgres?experiment=${experiment}`,
    () => spawn(command!, words, { stdio: 'ignore', cwd: folder }),
  )
}

function serverOf(port: number, url: Server['url'], run: () => ChildProcess): Server {
  let child: ChildProcess | undefined
  return {
    url,
    async start() {
      child = run()
      while (!(await answers(port))) {
        if (child.exitCode !== null) child = run()
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    async kill() {
      const ended = new Promise((resolve) => child!.once('exit', resolve))
      child!.kill('SIGKILL')
      await ended
    },
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true))
    socket.on('error', () => resolve(false)).on('connect', () => socket.destroy())
  })

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
