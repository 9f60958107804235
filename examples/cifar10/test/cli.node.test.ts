// The command as a person runs it: what it prints, what it leaves, how it ends.
import { type ChildProcess, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { articleTricks } from '../src/article.ts'

const root = mkdtempSync(join(tmpdir(), 'example-'))
afterAll(() => rmSync(root, { recursive: true }))

function start(...args: string[]): {
  child: ChildProcess
  ended: Promise<{ code: number | null; output: string }>
} {
  const cli = join(import.meta.dirname, '../src/cli.ts')
  const flags = ['--conditions=@tricks/source', '--no-warnings']
  const child = spawn(process.execPath, [...flags, cli, ...args], {
    env: { ...process.env, INIT_CWD: root },
  })
  let output = ''
  child.stdout.on('data', (text) => (output += text))
  child.stderr.on('data', (text) => (output += text))
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, output })),
  )
  return { child, ended }
}
const cli = (...args: string[]): Promise<{ code: number | null; output: string }> =>
  start(...args).ended
const runOf = (folder: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(root, folder, 'run.json'), 'utf8')) as Record<string, unknown>

test('a run says what it does and leaves what came of it', async () => {
  const { code, output } = await cli(
    'train',
    '--limit',
    '300',
    '--epochs',
    '2',
    '--seed',
    '3',
    '--out',
    'small',
  )
  expect(output).toMatch(/Backend {4}\w+: /)
  expect(output).toMatch(/rate {8}warmup .* \(cosine-decay/)
  expect(output).toMatch(/\d+\.\d\d % of the test images are right/)
  expect(code).toBe(0)
  const run = runOf('small')
  expect(run).toMatchObject({
    flags: { recipe: 'quick', seed: 3 },
    epochs: [{ epoch: 0 }, { epoch: 1 }],
    state: 'finished',
  })
  expect((run['test'] as { accuracy: number }).accuracy).toBeGreaterThan(0.05)
  const lines = readFileSync(join(root, 'small', 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
  expect(lines.map((line) => (JSON.parse(line) as { kind: string }).kind)).toContain('epoch')
  for (const file of ['model.json', 'weights.bin'])
    expect(existsSync(join(root, 'small', 'model', file)), file).toBe(true)
})

test('interrupted, it finishes the step, saves, and exits with 130', async () => {
  const { child, ended } = start('--epochs', '50', '--out', 'stopped')
  const metrics = join(root, 'stopped', 'metrics.jsonl')
  while (!existsSync(metrics) || readFileSync(metrics, 'utf8') === '')
    await new Promise((resolve) => setTimeout(resolve, 50))
  child.kill('SIGINT')
  const { code, output } = await ended
  expect(output).toMatch(/Stopped after \d+ steps \(aborted\); the test images were not looked at/)
  expect(code).toBe(130)
  expect(runOf('stopped')).toMatchObject({ state: 'aborted' })
  expect(existsSync(join(root, 'stopped', 'model', 'model.json'))).toBe(true)
})

test('CIFAR-100 is read from a folder of the caller, and the network gets its classes', async () => {
  const folder = join(root, 'data', 'cifar-100-binary')
  mkdirSync(folder, { recursive: true })
  for (const [file, records] of [
    ['train.bin', 50_000],
    ['test.bin', 10_000],
  ] as const) {
    writeFileSync(join(folder, file), '')
    // Zeros without room on the disk.
    truncateSync(join(folder, file), records * 3074)
  }
  const names = Array.from({ length: 100 }, (_, i) => `class${i}\n`)
  writeFileSync(join(folder, 'fine_label_names.txt'), names.join(''))

  const { child, ended } = start('--data', 'data', '--out', 'hundred')
  child.stdout!.on('data', (text) => String(text).includes('Run  ') && child.kill('SIGINT'))
  const { code, output } = await ended
  expect(output).toContain('50000 training and 10000 test images')
  expect(code).toBe(130)
  expect(readFileSync(join(root, 'hundred', 'model', 'model.json'), 'utf8')).toContain(
    '"units":100',
  )

  mkdirSync(join(root, 'data', 'cifar-10-batches-bin'))
  const both = await cli('--data', 'data')
  expect(both.output).toContain('holds CIFAR-10 and CIFAR-100: name the folder of one')
  expect(both.code).toBe(1)
})

test.each([
  [['--epochs', '0'], 2, '--epochs: expected a whole number from 1, got 0'],
  [['--recipe', 'x'], 2, '--recipe: expected one of quick, '],
  [['--nonsense'], 2, 'Unknown option `--nonsense`'],
  [['tran'], 2, "unknown command 'tran'"],
  [['--data', 'nowhere'], 1, 'expected the official binary layout'],
  [['--backend', 'tfjs-node-gpu'], 1, 'tfjs-node-gpu: not installed'],
])('%j exits with %d and says why', async (args, expected, message) => {
  const { code, output } = await cli(...args)
  expect(output).toContain(message)
  expect(code).toBe(expected)
})

test('a folder that cannot be written is said before anything is trained', async () => {
  writeFileSync(join(root, 'file'), '')
  const { code, output } = await cli('--out', 'file/run')
  expect(output).toMatch(/--out: .*file.run can't be written/)
  expect(output).not.toContain('epoch')
  expect(code).toBe(1)
})

test('every trick of the article trains, alone and left out', async () => {
  const { code, output } = await cli('try', '--steps', '2', '--batch', '8', '--backend', 'wasm')
  const lines = output.split('\n').filter((line) => /^(only|all-but) /.test(line))
  expect(lines).toHaveLength(2 * articleTricks.length)
  for (const line of lines) expect(line).toMatch(/2 steps {2}loss +\d+\.\d{3} /)
  expect(code).toBe(0)
  const shown = await cli('recipes')
  for (const trick of articleTricks) expect(shown.output).toContain(`\n${trick} `)
})

test('help names every flag', async () => {
  const { code, output } = await cli('--help')
  for (const flag of ['recipe', 'model', 'epochs', 'seed', 'backend', 'data', 'limit', 'out'])
    expect(output).toContain(`--${flag} `)
  expect(code).toBe(0)
})
