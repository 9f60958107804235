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
import { pathToFileURL } from 'node:url'
import { predictedClasses, readRunFolder } from '@tricks/report'
import { chromium } from 'playwright'
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
    flags: { seed: 3 },
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

  expect(output.trim().split('\n').at(-1)).toBe(`Look at it: ${join(root, 'small', 'report.html')}`)
  const page = readFileSync(join(root, 'small', 'report.html'), 'utf8')
  expect(page).toContain('of 10,000 test images are right')
  const { test: tested, batch, damage } = await readRunFolder(join(root, 'small'))
  expect(damage).toEqual([])
  expect(tested!.labels).toHaveLength(10_000)
  const right = predictedClasses(tested!).filter((predicted, i) => predicted === tested!.labels[i])
  expect(right.length / 10_000).toBeCloseTo((run['test'] as { accuracy: number }).accuracy, 6)
  expect(batch!.images).toHaveLength(12)
})

const executablePath = process.env['CHROME_BIN'] ?? '/usr/bin/chromium'

test.skipIf(!existsSync(executablePath)).each([375, 1280])(
  'its page in Chromium, %d pixels wide: every picture and chart, no error, no request',
  async (width) => {
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage({ viewport: { width, height: 800 } })
      const said: string[] = []
      const asked: string[] = []
      page.on('console', (message) => said.push(message.text()))
      page.on('pageerror', ({ message }) => said.push(message))
      page.on('request', (request) => asked.push(request.url()))
      await page.goto(pathToFileURL(join(root, 'small', 'report.html')).href)
      const found = await page.evaluate(`({
        charts: document.querySelectorAll('svg').length,
        pictures: [...document.images].filter((image) => image.naturalWidth === 32).length > 30,
        broken: [...document.images].filter((image) => image.naturalWidth === 0).length,
        tricks: document.querySelectorAll('.pipeline tr').length,
        cells: document.querySelectorAll('#confusion td').length,
        overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      })`)
      expect(found).toEqual({
        charts: 7,
        pictures: true,
        broken: 0,
        tricks: 4,
        cells: 100,
        overflow: 0,
      })
      expect(said).toEqual([])
      expect(asked.filter((url) => !url.startsWith('data:'))).toHaveLength(1)
    } finally {
      await browser.close()
    }
  },
)

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

  const both = await cli('report', 'small', 'stopped', '--out', 'both.html')
  expect(both.output.trim()).toBe(join(root, 'both.html'))
  expect(readFileSync(join(root, 'both.html'), 'utf8')).toContain('stopped before its end')
  const again = await cli('report', 'stopped')
  expect(again.output.trim()).toBe(join(root, 'stopped', 'report.html'))
})

test('a run that fails has a page that says why', async () => {
  const flags = ['--limit', '200', '--epochs', '50', '--save-every', '1', '--out', 'broken']
  const { ended } = start(...flags, '--backend', 'wasm')
  const checkpoints = join(root, 'broken', 'checkpoints')
  while (!existsSync(join(checkpoints, 'step-000000002.safetensors')))
    await new Promise((resolve) => setTimeout(resolve, 50))
  rmSync(checkpoints, { recursive: true })
  writeFileSync(checkpoints, 'in the way')
  const { code, output } = await ended
  expect(code).toBe(1)
  expect(output).toContain(`What it did until then: ${join(root, 'broken', 'report.html')}`)
  expect(runOf('broken')).toMatchObject({ state: 'failed' })
  const page = readFileSync(join(root, 'broken', 'report.html'), 'utf8')
  const [notice] = /<p class="notice bad">[^<]*/.exec(page)!
  expect(notice).toMatch(/The run failed: .*checkpoint/)
})

test('for machines it tells all in lines of JSON', async () => {
  const flags = ['--limit', '200', '--epochs', '1', '--out', 'machine', '--progress', 'json']
  const { code, output } = await cli(...flags, '--backend', 'wasm')
  const events = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; page?: string })
  const kinds = events.map(({ kind }) => kind)
  expect([kinds[0], kinds.at(-1)]).toEqual(['run', 'end'])
  expect(kinds.slice(1, -1).toSorted()).toEqual(['epoch', 'step'])
  expect(existsSync(events.at(-1)!.page!)).toBe(true)
  expect(code).toBe(0)
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
  [
    ['--recipe', 'x'],
    2,
    '--recipe: expected one of quick, quick-native, six, airbench, resnet-18, teacher, ' +
      'bag-of-tricks, only:NAME, all-but:NAME (npm start -- recipes tells of each), got x',
  ],
  [['--nonsense'], 2, 'Unknown option `--nonsense`'],
  [['tran'], 2, "unknown command 'tran'"],
  [['report'], 2, 'missing required args'],
  [['report', 'nowhere'], 1, 'nowhere holds no run'],
  [['--progress', 'x'], 2, '--progress: expected one of bars, lines, quiet, json, got x'],
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
  for (const flag of [
    'recipe',
    'model',
    'epochs',
    'seed',
    'backend',
    'data',
    'limit',
    'out',
    'progress',
  ])
    expect(output).toContain(`--${flag} `)
  expect(code).toBe(0)
})
