// A search on generated pictures, whose recipe has a planted mistake: a learning rate that is too small.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTrials } from '@tricks/trials'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { main } from '../src/main.ts'
import { recipeNamed } from '../src/recipes/index.ts'
import type { TuneRecord } from '../src/tune/record.ts'
import { startIn, until } from './program.ts'
import { paintStripes } from './stripes.ts'

const root = mkdtempSync(join(tmpdir(), 'tune-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

beforeAll(() => {
  paintStripes(root)
  writeFileSync(
    join(root, 'space.json'),
    JSON.stringify({
      policy: 'none',
      'sharpness-aware': false,
      'sgd.momentum': { min: 0.5, max: 0.95 },
    }),
  )
})

const words = [
  ...'tune ./pictures --recipe ./slow.recipe.ts --space space.json --budget 600epochs'.split(' '),
  ...'--backend wasm --processes 2 --seed 5'.split(' '),
]
const start = (...args: string[]): ReturnType<typeof startIn> => startIn(root, args)
const recordIn = (folder: string): TuneRecord =>
  JSON.parse(readFileSync(join(root, folder, 'tune.json'), 'utf8')) as TuneRecord
/** Without times. */
const resultIn = (folder: string): unknown =>
  JSON.parse(
    JSON.stringify(recordIn(folder)).replaceAll(/"((?:s|cpuS)econds)":[\d.e-]+/g, '"$1":0'),
  )

test('a search finds a better recipe, which train runs; a search that is killed and restarted finds the same one', async () => {
  const { code, output } = await start(...words, '--out', 'calm').ended
  expect(code, output).toBe(0)
  const { trials, winner, comparison, parts, start: from } = recordIn('calm')

  // The recipe comes first, and the planted mistake is found.
  expect(trials[0]!.configuration).toMatchObject({ batchSize: 8, 'sgd.learningRate': 0.0002 })
  expect(from['random-flip']).toBe(true)
  expect(comparison!.gain.mean).toBeGreaterThan(0.1)
  expect(winner).not.toEqual(trials[0]!.configuration)
  expect(parts!.length).toBeGreaterThan(0)
  for (const { configuration } of trials) {
    expect(configuration['policy']).toBe('none')
    expect(configuration['sharpness-aware']).toBe(false)
  }
  // Longer runs continue shorter ones, and unneeded checkpoints are removed.
  const continued = trials.filter((trial) => trial.from !== undefined)
  expect(continued.length).toBeGreaterThan(1)
  for (const { from: id, budget } of continued)
    expect(trials.find((trial) => trial.id === id)!.budget).toBeLessThan(budget)
  for (const { id, budget } of trials)
    if (budget === 6) expect(existsSync(join(root, 'calm/trials', id))).toBe(false)
  for (const { from: id } of continued)
    expect(existsSync(join(root, 'calm/trials', id!))).toBe(false)

  // Test images are used only for the comparison, with seeds that the search didn't use.
  const queue = await openTrials(join(root, 'calm'))
  const entries = await queue.list()
  await queue.close()
  const stageOf = new Map(trials.map((trial) => [trial.id, trial.stage]))
  for (const { trial } of entries) {
    const { measured } = trial.config as { readonly measured: string }
    expect(measured).toBe(stageOf.get(trial.id) === 'comparison' ? 'test' : 'validation')
  }
  const seedsOf = (isLast: boolean): Set<number> =>
    new Set(
      trials.filter(({ stage }) => (stage === 'comparison') === isLast).map(({ seed }) => seed),
    )
  for (const seed of seedsOf(true)) expect(seedsOf(false)).not.toContain(seed)

  const tuned = await recipeNamed(join(root, 'calm/tuned.recipe.mjs'))
  expect(tuned.epochs).toBe(6)
  const trained = await start(
    'train',
    './pictures',
    '--recipe',
    'calm/tuned.recipe.mjs',
    '--backend',
    'wasm',
  ).ended
  expect(trained.code, trained.output).toBe(0)
  expect(readFileSync(join(root, 'calm/README.md'), 'utf8')).toContain('## Leave-one-out')

  // Killed twice, with its processes, and started again.
  for (const count of [3, 12]) {
    const killed = start(...words, '--out', 'killed')
    await until(
      () => existsSync(join(root, 'killed/tune.json')) && recordIn('killed').trials.length >= count,
    )
    killed.child.kill('SIGKILL')
    await killed.ended
  }
  const again = await start(...words, '--out', 'killed').ended
  expect(again.code, again.output).toBe(0)
  expect(resultIn('killed')).toEqual(resultIn('calm'))

  // The same folder continues with a larger budget only if the rest is the same.
  cpSync(join(root, 'killed'), join(root, 'other'), { recursive: true })
  const other = await start(...words, '--seed', '6', '--out', 'other').ended
  expect(other.output).toMatch(/contains a search with another seed/)
})

let printed: string[]
beforeEach(() => {
  printed = []
  const note = (text: unknown): boolean => Boolean(printed.push(String(text)))
  vi.spyOn(console, 'log').mockImplementation(note)
  vi.spyOn(console, 'error').mockImplementation(note)
})
afterEach(() => vi.restoreAllMocks())
/** The search in this process, with other flags. */
const run = (...more: string[]): Promise<number> =>
  main([...words.map((word) => (/^\.\/|\.json$/.test(word) ? join(root, word) : word)), ...more])

test.each([
  [['--budget', 'soon'], /--budget: expected a time such as 2h, 90m or 1h30m, .*, got soon/],
  [
    ['--budget', '59epochs'],
    /--budget: expected at least 60epochs, 10 runs of 6 epochs, got 59epochs/,
  ],
  [['--space', 'none.json'], /--space: expected a JSON file, got none.json/],
  [
    { cutot: false },
    /--space: expected some of the parameters .*, got cutot \(did you mean cutout\?\)/,
  ],
  [
    { 'cutout.length': { min: 9, max: 2 } },
    /expected cutout.length to be { "min", "max" } with min below max/,
  ],
  [{ 'cutout.length': 0 }, /expected cutout.length to be a positive integer, got 0/],
  [
    { mix: ['mixup', 'blend'] },
    /expected mix to be some of none, mixup, cutmix, ricap, got \["mixup","blend"\]/,
  ],
  [{ mix: 'ricap', 'mixup.alpha': [0.1, 0.2] }, /mixup.alpha is searched, but mix is never mixup/],
  [{ 'sgd.learningRate': { min: 0, max: 1 } }, /above 0 on a logarithmic scale/],
  [{ mix: [] }, /expected mix to be a value, a list of different values, or/],
  [['--queue', 'redis://host'], /tune: expected both --queue and --storage/],
  [
    ['--recipe', 'bag-of-tricks'],
    /--recipe: expected a recipe without a teacher, got bag-of-tricks/,
  ],
  [
    ['--images', '170'],
    /--images: expected at most 116, as 28 of 180 training images are for validation and 36 for a test, got 170/,
  ],
] as [string[] | Record<string, unknown>, RegExp][])('%o is rejected', async (given, message) => {
  const isSpace = !Array.isArray(given)
  const file = join(root, 'wrong.json')
  if (isSpace) writeFileSync(file, JSON.stringify(given))
  const out = join(root, 'unused')
  expect(await run(...(isSpace ? ['--space', file] : given), '--out', out)).toBe(2)
  expect(printed.join('\n')).toMatch(message)
  expect(existsSync(out)).toBe(false)
})

test('a time that is too short for a comparison is reported after the first run', async () => {
  expect(await run('--budget', '0.1s', '--out', join(root, 'short'))).toBe(1)
  expect(printed.join('\n')).toMatch(
    /tune: expected --budget to be at least \d+ .*, 10 runs of 6 epochs, got 1 s/,
  )
})

test('--dry prints the space', async () => {
  expect(
    await main(['tune', join(root, 'pictures'), '--recipe', join(root, 'slow.recipe.ts'), '--dry']),
  ).toBe(0)
  const lines = printed.join('\n')
  expect(lines).toMatch(/^sgd\.learningRate +0\.00002 … 0\.002, logarithmic {2}\(0\.0002\)$/m)
  expect(lines).toMatch(/^mix +none, mixup, cutmix, ricap {2}\(none\)$/m)
})
