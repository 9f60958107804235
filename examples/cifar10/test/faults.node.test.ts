// What goes wrong with a run's folder and with what it was made from: said, before any time is spent.
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync } from 'node:fs'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { revisionOf } from '../src/revision.ts'

const root = mkdtempSync(join(tmpdir(), 'faults-'))
chmodSync(root, 0o755)
afterAll(() => rmSync(root, { recursive: true }))

const node = (...args: string[]): string[] => [
  '--conditions=@tricks/source',
  '--no-warnings',
  ...args,
]
const command = join(import.meta.dirname, '../src/cli.ts')

function cli(
  args: readonly string[],
  { until, uid }: { until?: () => boolean; uid?: number } = {},
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, node(command, ...args), {
    env: { ...process.env, INIT_CWD: root },
    ...(uid !== undefined && { uid, cwd: root }),
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
  const watch = setInterval(() => {
    if (!until?.()) return
    clearInterval(watch)
    child.kill('SIGINT')
  }, 50)
  return new Promise((resolve) =>
    child.on('close', (code) => {
      clearInterval(watch)
      resolve({ code, output })
    }),
  )
}

type Run = {
  flags: Record<string, unknown>
  data: Record<string, unknown>
  versions: Record<string, unknown>
  tricks: { options: Record<string, unknown> }[]
  [fact: string]: unknown
}
const runOf = (folder: string): Run =>
  JSON.parse(readFileSync(join(root, folder, 'run.json'), 'utf8')) as Run

describe('a run that was interrupted', () => {
  beforeAll(async () => {
    const first = join(root, 'run', 'checkpoints', 'step-000000001.safetensors')
    const flags = ['--limit', '200', '--epochs', '500', '--backend', 'wasm', '--recipe', 'quick']
    const { code, output } = await cli([...flags, '--save-every', '1', '--out', 'run'], {
      until: () => existsSync(first),
    })
    expect(output).toContain('Go on with')
    expect(code).toBe(130)
  }, 120_000)

  const changed: [string, (run: Run) => void, string][] = [
    [
      'the data',
      ({ data }) => void (data['sha256'] = '0'.repeat(64)),
      'data changed since the run began',
    ],
    ['the list of tricks', ({ tricks }) => void tricks.pop(), 'tricks changed since the run began'],
    [
      'an option',
      ({ tricks }) => void (tricks[0]!.options['padding'] = 3),
      'tricks changed since the run began',
    ],
    ['a version', ({ versions }) => void (versions['tfjs'] = '3.0.0'), '"tfjs":"3.0.0"'],
    [
      'the model',
      ({ flags }) => void (flags['model'] = 'resnet-20'),
      'the checkpoint is of another run\n  model: saved ',
    ],
    ['the length', ({ flags }) => void (flags['epochs'] = 7), 'epochs: saved 500, here 7'],
    ['the seed', ({ flags }) => void (flags['seed'] = 7), 'seed: saved 0, here 7'],
    ['the recipe', ({ flags }) => void (flags['recipe'] = 'x'), 'in run.json recipe can\'t be "x"'],
    ['a flag', ({ flags }) => void (flags['eval'] = '1'), 'run.json has a flag eval'],
    [
      'the teacher',
      ({ flags }) => Object.assign(flags, { recipe: 'only:distillation', teacher: 'elsewhere' }),
      'elsewhere holds none any more: bring it back',
    ],
  ]
  test.each(changed)(
    'does not go on where %s changed, and says what differs',
    async (what, change, says) => {
      const folder = what.replaceAll(' ', '-')
      cpSync(join(root, 'run'), join(root, folder), { recursive: true })
      const run = runOf(folder)
      change(run)
      writeFileSync(join(root, folder, 'run.json'), JSON.stringify(run))
      const before = readFileSync(join(root, folder, 'metrics.jsonl'), 'utf8')
      const { code, output } = await cli(['--resume', folder])
      expect(output).toContain(says)
      expect(code).toBe(1)
      expect(readFileSync(join(root, folder, 'metrics.jsonl'), 'utf8')).toBe(before)
      expect(existsSync(join(root, 'elsewhere'))).toBe(false)
    },
  )

  test('a damaged line of its metrics is named', async () => {
    cpSync(join(root, 'run'), join(root, 'line'), { recursive: true })
    const file = join(root, 'line', 'metrics.jsonl')
    writeFileSync(file, `{"steps": 1, "lo\n${readFileSync(file, 'utf8')}`)
    const { code, output } = await cli(['--resume', 'line'])
    expect(output).toContain('line 1 of metrics.jsonl is damaged')
    expect(code).toBe(1)
  })

  test('tells the revision of the code', () => {
    const here = revisionOf()
    if (here !== undefined) expect(runOf('run')['revision']).toMatch(/^[0-9a-f]{40}(-dirty)?$/)
  })
})

test('the revision is that of the folder, says where files differ, and is absent outside a repository', () => {
  const folder = join(root, 'repository')
  mkdirSync(folder)
  expect(revisionOf(folder)).toBeUndefined()
  const git = (...args: string[]): void => {
    const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
    const { status, stderr } = spawnSync('git', ['-C', folder, ...who, ...args], {
      encoding: 'utf8',
    })
    expect(status, stderr).toBe(0)
  }
  git('init', '--quiet')
  expect(revisionOf(folder)).toBeUndefined()
  writeFileSync(join(folder, 'a'), '1')
  git('add', 'a')
  git('commit', '--quiet', '-m', 'a')
  expect(revisionOf(folder)).toMatch(/^[0-9a-f]{40}$/)
  writeFileSync(join(folder, 'a'), '2')
  expect(revisionOf(folder)).toMatch(/^[0-9a-f]{40}-dirty$/)
})

// Root writes wherever it likes, so what it may not is tried as nobody.
const nobody = 65534
const asRoot = process.getuid?.() === 0
const canTry =
  process.platform !== 'win32' &&
  (!asRoot ||
    spawnSync(process.execPath, ['-e', `require('fs').readFileSync(${JSON.stringify(command)})`], {
      uid: nobody,
    }).status === 0)
if (!canTry) console.warn('A read-only folder is not tried: no other user may read the sources.')
const uid = asRoot ? nobody : undefined

describe.skipIf(!canTry)('a read-only folder', () => {
  test('is said before anything is trained', async () => {
    const folder = join(root, 'read-only')
    mkdirSync(folder, { mode: 0o555 })
    const { code, output } = await cli(['--backend', 'wasm', '--out', join(folder, 'run')], { uid })
    expect(output).toMatch(/--out: .*read-only.run can't be written: EACCES/)
    expect(output).not.toContain('epoch 1')
    expect(code).toBe(1)
  })

  test('that becomes so in the middle ends the run with what is whole', async () => {
    const folder = join(root, 'becomes')
    mkdirSync(folder)
    if (uid !== undefined) chownSync(folder, uid, uid)
    const checkpoints = join(folder, 'run', 'checkpoints')
    const flags = ['--limit', '200', '--epochs', '500', '--backend', 'wasm', '--recipe', 'quick']
    let closed = false
    const { code, output } = await cli(
      [...flags, '--save-every', '2', '--out', join(folder, 'run')],
      {
        uid,
        until: () => {
          if (!closed && existsSync(join(checkpoints, 'step-000000002.safetensors'))) {
            chmodSync(checkpoints, 0o555)
            closed = true
          }
          return false
        },
      },
    )
    chmodSync(checkpoints, 0o755)
    expect(output).toMatch(
      /step-\d+\.safetensors can't be written \(EACCES.*the ones before it are whole/,
    )
    expect(code).toBe(1)
  })
})
