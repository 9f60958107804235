// The command line as a user sees it: output, files and exit codes.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { predictedClasses, readRunFolder } from '@tricks/run'
import { chromium } from 'playwright'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import { main } from '../src/main.ts'
import { article, articleTricks } from '../src/recipes/article.ts'
import { manifest } from '../src/tricks.ts'
import { type Ended, startIn, until } from './program.ts'

const root = mkdtempSync(join(tmpdir(), 'cli-'))
afterAll(() => rmSync(root, { recursive: true }))
beforeEach(() => {
  // A mock, as a test's thread can't change its folder.
  vi.spyOn(process, 'cwd').mockReturnValue(root)
  vi.spyOn(console, 'error').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
})

const start = (...args: string[]): ReturnType<typeof startIn> => startIn(root, args)
const cli = (...args: string[]): Promise<Ended> => start(...args).ended
// Without it, the device would depend on the test environment.
const cifar = ['train', 'cifar10', '--backend', 'wasm']
const runOf = (folder: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(root, folder, 'run.json'), 'utf8')) as Record<string, unknown>

test('a run reports its progress and writes its results', async () => {
  const { code, output } = await cli(
    ...cifar,
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
  expect(output).toMatch(/Recipe {5}quick(-native)?: /)
  expect(output).toMatch(/rate {8}warmup .* \(cosine-decay/)
  expect(output).toMatch(/\d+\.\d\d % of the test images classified correctly/)
  expect(code).toBe(0)
  const run = runOf('small')
  expect(run).toMatchObject({
    settings: { data: 'cifar10', seed: 3, epochs: 2, limit: 300 },
    command: expect.stringMatching(
      /^tricks train cifar10 --limit 300 --epochs 2 --seed 3 --recipe \S+ --backend wasm$/,
    ) as string,
    epochs: 2,
    state: 'finished',
  })
  expect((run['test'] as { accuracy: number }).accuracy).toBeGreaterThan(0.05)
  const lines = readFileSync(join(root, 'small', 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
  const kinds = lines.map((line) => (JSON.parse(line) as { kind: string }).kind)
  expect(kinds.filter((kind) => kind === 'epoch')).toHaveLength(2)
  for (const file of ['model.json', 'weights.bin', 'classes.json'])
    expect(existsSync(join(root, 'small', 'model', file)), file).toBe(true)

  expect(output.trim().split('\n').slice(-2)).toEqual([
    `Report     ${join(root, 'small', 'report.html')}`,
    `Predict    tricks predict ${join(root, 'small')} picture.jpg`,
  ])
  const page = readFileSync(join(root, 'small', 'report.html'), 'utf8')
  expect(page).toContain('Test accuracy on 10,000 images')
  const { test: tested, batch, damage } = readRunFolder(join(root, 'small'))
  expect(damage).toEqual([])
  expect(tested!.labels).toHaveLength(10_000)
  const right = predictedClasses(tested!).filter((predicted, i) => predicted === tested!.labels[i])
  expect(right.length / 10_000).toBeCloseTo((run['test'] as { accuracy: number }).accuracy, 6)
  expect(batch!.images).toHaveLength(12)
})

const executablePath = process.env['CHROME_BIN'] ?? '/usr/bin/chromium'

test.skipIf(!existsSync(executablePath)).each([375, 1280])(
  'the report in Chromium, %d pixels wide, shows every picture and chart without errors or requests',
  async (width) => {
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage({ viewport: { width, height: 800 } })
      const output: string[] = []
      const asked: string[] = []
      page.on('console', (message) => output.push(message.text()))
      page.on('pageerror', ({ message }) => output.push(message))
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
      expect(output).toEqual([])
      expect(asked.filter((url) => !url.startsWith('data:'))).toHaveLength(1)
    } finally {
      await browser.close()
    }
  },
)

test('interrupted, it finishes the step, saves, and exits with 130', async () => {
  const { child, ended } = start(...cifar, '--epochs', '50', '--out', 'stopped')
  const metrics = join(root, 'stopped', 'metrics.jsonl')
  await until(() => existsSync(metrics) && readFileSync(metrics, 'utf8') !== '')
  child.kill('SIGINT')
  const { code, output } = await ended
  expect(output).toMatch(/Stopped after \d+ steps and saved/)
  expect(output).toContain(`Resume     tricks resume ${join(root, 'stopped')}`)
  expect(output).not.toContain('of the test images')
  expect(code).toBe(130)
  expect(runOf('stopped')).toMatchObject({ state: 'aborted' })
  expect(existsSync(join(root, 'stopped', 'model', 'model.json'))).toBe(true)

  const both = await cli('report', 'small', 'stopped', '--out', 'both.html')
  expect(both.output.trim()).toBe(join(root, 'both.html'))
  expect(readFileSync(join(root, 'both.html'), 'utf8')).toContain(
    '<span class="state odd">stopped</span>',
  )
  const again = await cli('report', 'stopped')
  expect(again.output.trim()).toBe(join(root, 'stopped', 'report.html'))
})

test('a failed run has a page with the reason', async () => {
  const flags = ['--limit', '200', '--epochs', '50', '--save-every', '1', '--out', 'broken']
  const { ended } = start(...cifar, ...flags)
  const checkpoints = join(root, 'broken', 'checkpoints')
  await until(() => existsSync(join(checkpoints, 'step-000000002.safetensors')))
  rmSync(checkpoints, { recursive: true })
  writeFileSync(checkpoints, 'in the way')
  const { code, output } = await ended
  expect(code).toBe(1)
  expect(output).toContain(`Report     ${join(root, 'broken', 'report.html')}`)
  expect(runOf('broken')).toMatchObject({ state: 'failed' })
  const page = readFileSync(join(root, 'broken', 'report.html'), 'utf8')
  const [notice] = /<p class="notice bad">[^<]*/.exec(page)!
  expect(notice).toMatch(/The run failed: .*checkpoint/)
})

test('--progress json prints all events as JSON lines', async () => {
  const flags = ['--limit', '200', '--epochs', '1', '--out', 'machine', '--progress', 'json']
  const { code, output } = await cli(...cifar, ...flags)
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

test('CIFAR-100 is read from a given folder, and the network has its classes', async () => {
  const folder = join(root, 'data', 'cifar-100-binary')
  mkdirSync(folder, { recursive: true })
  // A hundred records, one per class, repeated.
  const records = Buffer.alloc(100 * 3074)
  for (let i = 0; i < 100; i++) {
    records.fill(2 * i, i * 3074, (i + 1) * 3074)
    records[i * 3074 + 1] = i
  }
  writeFileSync(join(folder, 'train.bin'), Buffer.concat(Array<Buffer>(500).fill(records)))
  writeFileSync(join(folder, 'test.bin'), Buffer.concat(Array<Buffer>(100).fill(records)))
  const names = Array.from({ length: 100 }, (_, i) => `class${i}\n`)
  writeFileSync(join(folder, 'fine_label_names.txt'), names.join(''))

  const { child, ended } = start(
    'train',
    'cifar100',
    '--data',
    'data',
    '--backend',
    'wasm',
    '--out',
    'hundred',
  )
  child.stdout!.on('data', (text) => String(text).includes('Run  ') && child.kill('SIGINT'))
  const { code, output } = await ended
  expect(output).toContain('50000 training and 10000 test images')
  expect(code).toBe(130)
  expect(readFileSync(join(root, 'hundred', 'model', 'model.json'), 'utf8')).toContain(
    '"units":100',
  )

  const settings = { data: folder, recipe: expect.stringMatching(/^quick/) as string }
  expect(runOf('hundred')).toMatchObject({ settings })

  mkdirSync(join(root, 'data', 'cifar-10-batches-bin'))
  writeFileSync(join(root, 'data', 'cifar-10-batches-bin', 'data_batch_1.bin'), '')
  const both = await cli('train', 'data')
  expect(both.output).toContain(
    'contains both CIFAR-10 and CIFAR-100: pass the folder of one of them',
  )
  expect(both.code).toBe(1)
})

const train = ['train', 'cifar10']
test.each([
  [
    [...train, '--epochs', '0'],
    2,
    '--epochs: expected a positive integer without a pretrained network, got 0',
  ],
  [[...train, '--epochs', '1.5'], 2, '--epochs: expected an integer of at least 0, got 1.5'],
  [[...train, '--epochs', 'ten'], 2, '--epochs: expected an integer of at least 0, got ten'],
  [[...train, '--epochs'], 2, "option '--epochs <n>' argument missing"],
  [[...train, '--seed', '-1'], 2, '--seed: expected an integer in [0, 4294967295], got -1'],
  [[...train, '--model', 'resnet20'], 2, 'got resnet20 (did you mean resnet-20?)'],
  [
    [...train, '--recipe', 'x'],
    2,
    '--recipe: expected one of quick, quick-native, pictures, pretrained, distilled, six, tuned, airbench, resnet-18, ' +
      'teacher, base, bag-of-tricks, only:NAME, all-but:NAME (see the command recipes) or a file such as ./my.recipe.ts, got x',
  ],
  [[...train, '--recipe', 'quikc'], 2, '(did you mean quick?)'],
  [[...train, '--recipe', 'only:cutuot'], 2, 'got cutuot (did you mean cutout?)'],
  [[...train, '--nonsense'], 2, "unknown option '--nonsense'. See tricks train --help"],
  [[...train, '--epoch', '3'], 2, "unknown option '--epoch' (Did you mean --epochs?)"],
  [[...train, 'more'], 2, "too many arguments for 'train'"],
  [['train', '--epochs', '3'], 2, "missing required argument 'data'"],
  [['tran'], 2, "unknown command 'tran' (Did you mean train?)"],
  [['cifar10'], 2, "unknown command 'cifar10': did you mean tricks train cifar10?"],
  [[], 2, 'Usage: tricks <command>'],
  [['report'], 2, "missing required argument 'runs'"],
  [['report', 'nowhere'], 1, 'nowhere is not a run'],
  [['resume', 'nowhere'], 1, "nowhere can't be resumed: it contains no run.json"],
  [['predict', 'nowhere', 'a.jpg'], 1, 'nowhere contains no trained model'],
  [['export', 'nowhere'], 1, 'nowhere contains no trained model'],
  [['preview', 'cutuot'], 2, '(did you mean cutout?)'],
  [['preview', 'label-smoothing'], 2, 'expected a trick that changes pictures'],
  [['preview', 'models'], 2, 'expected a trick that changes pictures'],
  [['preview', 'cutout', '--out', 'a.gif'], 2, '--out: expected a .png or a .svg, got a.gif'],
  [[...train, '--progress', 'x'], 2, "--progress: expected 'bars', 'lines', 'quiet' or 'json'"],
  [[...train, '--data', 'nowhere'], 1, 'expected the official binary layout'],
  [[...train, '--size', '64'], 2, '--size applies only to a folder of pictures'],
  [[...train, '--skip-broken'], 2, '--skip-broken applies only to a folder of pictures'],
  [['train', '.', '--data', '.'], 2, '--data applies only to cifar10 and cifar100'],
  [['train', 'nowhere'], 1, 'nowhere: expected cifar10, cifar100 or the path of a readable folder'],
  [['train', 'cifar1O'], 1, '(did you mean cifar10?)'],
  [[...train, '--teacher', 'runs/a'], 2, 'has no teacher'],
  [[...train, '--backend', 'tfjs-node-gpu'], 1, 'tfjs-node-gpu: not installed'],
] as const)('%j exits with %d and one line with the reason', async (args, expected, message) => {
  const code = await main(args)
  const [output, ...more] = vi.mocked(console.error).mock.calls.map(([line]) => String(line))
  expect(output).toContain(message)
  if (args.length > 0 && expected === 2) expect(output).not.toContain('\n')
  expect(more).toEqual([])
  expect(code).toBe(expected)
  expect(existsSync(join(root, 'runs'))).toBe(false)
})

test('a folder that cannot be written is reported before training', async () => {
  writeFileSync(join(root, 'file'), '')
  const { code, output } = await cli('train', 'cifar10', '--out', 'file/run')
  expect(output).toMatch(/can't write the run's folder .*file.run: .*file is not a folder/)
  expect(output).not.toContain('epoch')
  expect(code).toBe(1)
})

test('a folder that contains a run is not overwritten', async () => {
  const before = readFileSync(join(root, 'small', 'run.json'), 'utf8')
  const { code, output } = await cli('train', 'cifar10', '--out', 'small')
  expect(output.trim()).toBe(
    `${join(root, 'small')} already contains a run: resume it, or choose another folder`,
  )
  expect(code).toBe(1)
  expect(readFileSync(join(root, 'small', 'run.json'), 'utf8')).toBe(before)
})

test('lists the recipes, and shows one with its tricks', async () => {
  const all = await cli('recipes')
  for (const trick of articleTricks)
    expect(all.output).toContain(`\n${trick.padEnd(20)}${article[trick]}\n`)
  const one = await cli('recipes', 'six')
  expect(one.output).toContain('Length     30 epochs of batches of 128, in float32')
  expect(one.output).toMatch(/\n +images +cutout \{ length: 8, /)
  expect((await cli('recipes', 'sxi')).code).toBe(2)
})

test('prints its version', async () => {
  const { code, output } = await cli('--version')
  expect({ code, output }).toEqual({ code: 0, output: `${manifest.version}\n` })
})

test('a reader that closes the pipe early, such as head, sees no error', async () => {
  const { child, ended } = startIn(root, ['--help'])
  child.stdout!.destroy()
  expect(await ended).toMatchObject({ code: 0, output: '' })
})

test('help lists every flag and fits into 80 columns', async () => {
  const { code, output } = await cli('train', '--help')
  const names =
    'recipe model epochs seed backend precision data limit size skip-broken teacher micro-batch non-finite out ' +
    'save-every progress tensorboard'
  for (const name of names.split(' ')) expect(output).toContain(`--${name} `)
  expect(code).toBe(0)
  for (const text of [output, (await cli('--help')).output])
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
})
