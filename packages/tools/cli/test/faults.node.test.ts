// Problems with a run's folder or its inputs are reported before any time is spent.
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync } from 'node:fs'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { main } from '../src/main.ts'
import { type Ended, program, startIn } from './program.ts'

const root = mkdtempSync(join(tmpdir(), 'faults-'))
chmodSync(root, 0o755)
afterAll(() => rmSync(root, { recursive: true }))

async function cli(
  args: readonly string[],
  { until, uid }: { until?: () => boolean; uid?: number } = {},
): Promise<Ended> {
  const { child, ended } = startIn(root, args, uid === undefined ? {} : { uid })
  const watch = setInterval(() => {
    if (!until?.()) return
    clearInterval(watch)
    child.kill('SIGINT')
  }, 50)
  try {
    return await ended
  } finally {
    clearInterval(watch)
  }
}

/** Runs in this process, which is faster. */
async function here(args: readonly string[]): Promise<Pick<Ended, 'code' | 'output'>> {
  let output = ''
  const note = (text: unknown): boolean => Boolean((output += String(text)))
  vi.spyOn(process, 'cwd').mockReturnValue(root)
  vi.spyOn(process.stdout, 'write').mockImplementation(note)
  vi.spyOn(console, 'error').mockImplementation(note)
  try {
    const code = await main(args)
    return { code, output }
  } finally {
    vi.restoreAllMocks()
  }
}

type Run = {
  settings: Record<string, unknown>
  data: Record<string, unknown>
  versions: Record<string, unknown>
  pipeline: { tricks: { options: Record<string, unknown> }[] }[]
  [fact: string]: unknown
}
const runOf = (folder: string): Run =>
  JSON.parse(readFileSync(join(root, folder, 'run.json'), 'utf8')) as Run

const train = ['train', 'cifar10', '--backend', 'wasm', '--recipe', 'quick']
describe('an interrupted run', () => {
  beforeAll(async () => {
    const first = join(root, 'run', 'checkpoints', 'step-000000001.safetensors')
    const flags = ['--limit', '200', '--epochs', '500', '--save-every', '1', '--out', 'run']
    const { code, output } = await cli([...train, ...flags], {
      until: () => existsSync(first),
    })
    expect(output).toContain('Resume     tricks resume ')
    expect(code).toBe(130)
  }, 120_000)

  const changed: [string, (run: Run) => void, string][] = [
    [
      'the data',
      ({ data }) => void (data['sha256'] = '0'.repeat(64)),
      'data changed since the run began',
    ],
    [
      'the list of tricks',
      ({ pipeline }) => void pipeline[0]!.tricks.pop(),
      'tricks changed since the run began',
    ],
    [
      'a class',
      ({ classes }) => void ((classes as string[])[0] = 'plane'),
      'classes changed since the run began',
    ],
    [
      'an option',
      ({ pipeline }) => void (pipeline[0]!.tricks[0]!.options['padding'] = 3),
      'tricks changed since the run began',
    ],
    ['a version', ({ versions }) => void (versions['tfjs'] = '3.0.0'), '"tfjs":"3.0.0"'],
    [
      'the model',
      ({ settings }) => void (settings['model'] = 'resnet-20'),
      'the checkpoint is of another run\n  model: saved ',
    ],
    ['the length', ({ settings }) => void (settings['epochs'] = 7), 'epochs: saved 500, here 7'],
    ['the seed', ({ settings }) => void (settings['seed'] = 7), 'seed: saved 0, here 7'],
    [
      'the recipe',
      ({ settings }) => void (settings['recipe'] = 'x'),
      'expected one of quick, quick-native, pictures,',
    ],
    [
      'a setting',
      ({ settings }) => void (settings['eval'] = '1'),
      "can't be resumed: run.json: settings.eval: ",
    ],
    [
      'a value',
      ({ settings }) => void (settings['model'] = 'none'),
      "can't be resumed: run.json: settings.model: expected 'plain', ",
    ],
    [
      'the teacher',
      ({ settings }) =>
        Object.assign(settings, { recipe: 'only:distillation', teacher: 'elsewhere' }),
      'the run learns from the teacher in elsewhere, which is missing: restore it',
    ],
  ]
  test.each(changed)(
    'does not resume if %s changed, and reports the difference',
    async (what, change, says) => {
      const folder = what.replaceAll(' ', '-')
      cpSync(join(root, 'run'), join(root, folder), { recursive: true })
      const run = runOf(folder)
      change(run)
      writeFileSync(join(root, folder, 'run.json'), JSON.stringify(run))
      const before = readFileSync(join(root, folder, 'metrics.jsonl'), 'utf8')
      const { code, output } = await here(['resume', folder])
      expect(output).toContain(says)
      // An unknown recipe is a usage error.
      expect(code).toBe(what === 'the recipe' ? 2 : 1)
      expect(readFileSync(join(root, folder, 'metrics.jsonl'), 'utf8')).toBe(before)
      expect(existsSync(join(root, 'elsewhere'))).toBe(false)
    },
  )

  test('a damaged line in its metrics is reported', async () => {
    cpSync(join(root, 'run'), join(root, 'line'), { recursive: true })
    const file = join(root, 'line', 'metrics.jsonl')
    writeFileSync(file, `{"steps": 1, "lo\n${readFileSync(file, 'utf8')}`)
    const { code, output } = await here(['resume', 'line'])
    expect(output).toContain('line 1 of metrics.jsonl is damaged')
    expect(code).toBe(1)
  })
})

// Root can write anywhere, so permissions are tested as the user nobody.
const nobody = 65534
const asRoot = process.getuid?.() === 0
const canTry =
  process.platform !== 'win32' &&
  (!asRoot ||
    spawnSync(
      process.execPath,
      ['-e', `require('fs').readFileSync(${JSON.stringify(program.at(-1))})`],
      {
        uid: nobody,
      },
    ).status === 0)
if (!canTry) console.warn('Skipping the read-only folder: other users cannot read the sources.')
const uid = asRoot ? nobody : undefined

describe.skipIf(!canTry)('a read-only folder', () => {
  test('is reported before training', async () => {
    const folder = join(root, 'read-only')
    mkdirSync(folder, { mode: 0o555 })
    const { code, output } = await cli([...train, '--out', join(folder, 'run')], {
      ...(uid !== undefined && { uid }),
    })
    expect(output).toMatch(/can't write the run's folder .*read-only.run: EACCES/)
    expect(output).not.toContain('epoch 1')
    expect(code).toBe(1)
  })

  test('that becomes read-only during the run ends it with intact checkpoints', async () => {
    const folder = join(root, 'becomes')
    mkdirSync(folder)
    if (uid !== undefined) chownSync(folder, uid, uid)
    const checkpoints = join(folder, 'run', 'checkpoints')
    const flags = ['--limit', '200', '--epochs', '500', '--save-every', '2']
    let closed = false
    const { code, output } = await cli([...train, ...flags, '--out', join(folder, 'run')], {
      ...(uid !== undefined && { uid }),
      until: () => {
        if (!closed && existsSync(join(checkpoints, 'step-000000002.safetensors'))) {
          chmodSync(checkpoints, 0o555)
          closed = true
        }
        return false
      },
    })
    chmodSync(checkpoints, 0o755)
    expect(output).toMatch(
      /step-\d+\.safetensors can't be written \(EACCES.*earlier checkpoints are intact/,
    )
    expect(code).toBe(1)
  })
})
