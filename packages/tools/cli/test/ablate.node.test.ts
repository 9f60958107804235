import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  armsOf,
  type Comparison,
  estimate,
  imagesOf,
  pageOf,
  readResults,
  readSummary,
  type Result,
  summarize,
  write,
} from '@tricks/ablation'
import type { Trick } from '@tricks/core'
import { articleComparisons, articlePage } from '../src/ablation/article.ts'
import { recipeComparisons } from '../src/ablation/recipe.ts'
import { articleTricks } from '../src/recipes/article.ts'
import quick from '../src/recipes/quick.ts'

const repository = join(import.meta.dirname, '../../../..')
const committed = join(repository, 'bench', 'ablation')
const root = mkdtempSync(join(tmpdir(), 'ablate-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

function start(...args: string[]): {
  child: ChildProcess
  ended: Promise<[number | null, string]>
} {
  const cli = join(import.meta.dirname, '../src/cli.ts')
  const small = ['--images', '200', '--measured', '100', '--backend', 'wasm']
  const child = spawn(
    process.execPath,
    [
      '--conditions=@tricks/source',
      '--no-warnings',
      cli,
      'ablate',
      'cifar10',
      '--recipe',
      'bag-of-tricks',
      ...small,
      ...args,
    ],
    { cwd: root },
  )
  let output = ''
  child.stdout.on('data', (text) => (output += text))
  child.stderr.on('data', (text) => (output += text))
  return {
    child,
    ended: new Promise((resolve) => child.on('close', (code) => resolve([code, output]))),
  }
}

test('each trick of the article is compared, alone and among all others', () => {
  for (const name of articleTricks)
    expect(
      articleComparisons.filter((comparison) => comparison.name === name).map(({ kind }) => kind),
      name,
    ).toEqual(name === 'step-decay' ? ['added'] : ['added', 'left out'])
  for (const { name, with: having, without } of articleComparisons)
    expect(having.key, name).not.toBe(without.key)
  // One name, one arm.
  const arms = armsOf(articleComparisons)
  const listed = articleComparisons.flatMap((comparison) => [comparison.with, comparison.without])
  const tricksOf = ({ spec }: Comparison['with']): Set<string> =>
    new Set((spec as { article: string[] }).article)
  for (const arm of listed) expect(tricksOf(arms.get(arm.key)!)).toEqual(tricksOf(arm))
})

test('images to train on and to measure on are as many of each class, and none is both', () => {
  const labels = Array.from({ length: 400 }, (_, i) => i % 4)
  const images = Uint8Array.from({ length: 800 }, (_, i) => Math.floor(i / 2) % 251)
  const set = { images, labels, height: 1, width: 1, channels: 2, classes: ['a', 'b', 'c', 'd'] }
  const { train, measured } = imagesOf(set, { train: 88, measured: 100 })
  for (const [part, size] of [
    [train, 22],
    [measured, 25],
  ] as const)
    for (let c = 0; c < 4; c++)
      expect(Array.from(part.labels).filter((label) => label === c)).toHaveLength(size)
  const places = ({ images: pixels, labels: of }: typeof train): string[] =>
    Array.from(of, (label, i) => `${label} ${pixels.subarray(2 * i, 2 * i + 2).join(' ')}`)
  const seen = new Set(places(train))
  // The pixels repeat after 251 images, the labels after 4: a thousand images would have to pass for a twin.
  expect(places(measured).filter((place) => seen.has(place))).toEqual([])
})

describe('the summary', () => {
  const result = (arm: string, seed: number, accuracy: number, on = 'a machine'): Result => ({
    arm,
    seed,
    accuracy,
    loss: 1 - accuracy,
    calibrationError: accuracy / 10,
    steps: 10,
    training: { loss: 0, accuracy: 1 },
    wallClock: { cpuSeconds: arm === 'mirroring' ? 30 : 20 },
    on,
  })
  const comparison = {
    name: 'mirroring',
    kind: 'added',
    with: { key: 'mirroring', spec: null },
    without: { key: 'l2 + batch-norm', spec: null },
  } as const
  const without = comparison.without.key

  test("an interval is Student's, of the differences of pairs", () => {
    // The differences are 0.01, 0.03 and 0.02: mean 0.02, deviation 0.01; t(0.975, 2) = 4.302653.
    const [summary] = summarize(
      [
        ...[0.51, 0.63, 0.42].map((accuracy, seed) => result('mirroring', seed, accuracy)),
        ...[0.5, 0.6, 0.4].map((accuracy, seed) => result(without, seed, accuracy)),
        result('mirroring', 3, 0.9),
      ],
      [comparison],
    )
    expect(summary).toMatchObject({ name: 'mirroring', n: 3, cost: 1.5 })
    expect(summary!.effect.mean).toBeCloseTo(0.02, 10)
    expect(summary!.effect.deviation).toBeCloseTo(0.01, 10)
    expect(summary!.effect.interval).toBeCloseTo((4.302653 * 0.01) / Math.sqrt(3), 7)
    expect(summary!.calibration.mean).toBeCloseTo(0.002, 10)
    const { regime } = readSummary(committed)
    const page = articlePage(regime, '4.22.0')
    expect(pageOf(page, { summaries: [summary!], machines: ['a machine'] })).toContain(
      '| mirroring | 50.00 ± 10.00 | 52.00 ± 10.54 | +2.00 ± 2.48 | +0.2 | ×1.50 | 3 |',
    )
  })

  test('a pair is of one machine', () => {
    const runs = [
      result('mirroring', 0, 0.9),
      result(without, 0, 0.1, 'another'),
      result('mirroring', 1, 0.7, 'another'),
      result('mirroring', 1, 0.9),
      result(without, 1, 0.6, 'another'),
    ]
    const [summary] = summarize(runs, [comparison])
    expect(summary).toMatchObject({ n: 1, with: { mean: 0.7 }, without: { mean: 0.6 } })
    // What the machine that began later has by now doesn't take the pair's place.
    expect(summarize([...runs, result(without, 1, 0.1)], [comparison])[0]).toEqual(summary)
  })

  test('one pair has no interval, and none no row', () => {
    expect(estimate([0.25])).toMatchObject({ mean: 0.25, interval: NaN })
    expect(summarize([result('mirroring', 0, 0.5)], [comparison])).toEqual([])
  })
})

test('the committed summary, page and chart come from its runs', () => {
  const { regime, versions } = readSummary(committed)
  const copy = join(root, 'copy')
  cpSync(committed, copy, { recursive: true })
  write(copy, { regime, versions }, articleComparisons, articlePage(regime, versions.tfjs))
  for (const name of ['summary.json', 'README.md', 'chart.svg'])
    expect(readFileSync(join(copy, name), 'utf8'), name).toBe(
      readFileSync(join(committed, name), 'utf8'),
    )
})

test('trains both sides of a comparison, and goes on where it was', async () => {
  const both = ['--only', 'random-crop + mirroring', '--out', 'small', '--processes', '2']
  const [code, output] = await start(...both, '--epochs', '1', '--seeds', '1').ended
  expect(output).toContain('0 runs are done, 2 to go')
  expect(code).toBe(0)
  const out = join(root, 'small')
  const first = readResults(out)
  expect(new Set(first.map(({ arm }) => arm))).toEqual(
    new Set(['cosine-decay + batch-norm', 'cosine-decay + batch-norm + random-crop + mirroring']),
  )
  for (const name of ['summary.json', 'README.md', 'chart.svg'])
    expect(existsSync(join(out, name)), name).toBe(true)

  // What a machine that went down may leave.
  appendFileSync(join(out, 'runs.jsonl'), '{"arm":"mirr')
  const [again, more] = await start(...both, '--epochs', '1', '--seeds', '2').ended
  expect(more).toContain('2 runs are done, 2 to go')
  expect(again).toBe(0)
  const all = readResults(out)
  expect(all.slice(0, 2)).toEqual(first)
  expect(all.map(({ seed }) => seed)).toEqual([0, 0, 1, 1])
  expect(readFileSync(join(out, 'README.md'), 'utf8')).toMatch(
    /\| random-crop \+ mirroring \|.*\| 2 \|/,
  )

  const [other, said] = await start(...both, '--epochs', '2').ended
  expect(said).toContain('holds an ablation of another kind')
  expect(other).toBe(1)
})

test('each trick of a recipe is compared, alone and among all; its rate is always set', () => {
  const comparisons = recipeComparisons('quick', quick.tricks as readonly Trick[])
  expect(comparisons.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
    'added random-crop',
    'added random-flip',
    'added label-smoothing',
    'added all',
    'left out random-crop',
    'left out random-flip',
    'left out label-smoothing',
  ])
  const [crop] = comparisons
  expect(crop!.with).toEqual({
    key: 'random-crop',
    spec: { recipe: 'quick', tricks: ['warmup', 'random-crop'] },
  })
  expect(crop!.without.key).toBe('bare')
  expect(comparisons.at(-1)!.without.key).toBe('all but label-smoothing')
})

test('classes keep their proportions, and one that is too small is named', () => {
  const labels = Array.from({ length: 100 }, (_, i) => (i < 80 ? 0 : i < 98 ? 1 : 2))
  const set = {
    images: new Uint8Array(100),
    labels,
    height: 1,
    width: 1,
    channels: 1,
    classes: ['a', 'b', 'c'],
  }
  expect(() => imagesOf(set, { train: 60, measured: 20 })).toThrow("'c' has none")
  expect(() => imagesOf(set, { train: 90, measured: 20 })).toThrow(
    'more than the 100 that there are',
  )
  const { train, measured } = imagesOf(
    { ...set, labels: labels.map((c) => Math.min(c, 1)), classes: ['a', 'b'] },
    { train: 50, measured: 20 },
  )
  expect(
    [train, measured].map((part) => Array.from(part.labels).filter((c) => c === 1).length),
  ).toEqual([10, 4])
})

test('a process that dies is reported, and what was done is kept', async () => {
  const { child, ended } = start(
    '--out',
    'dying',
    '--only',
    'random-crop + mirroring',
    '--seeds',
    '9',
    '--processes',
    '1',
  )
  const runs = join(root, 'dying', 'runs.jsonl')
  while (!existsSync(runs)) await new Promise((resolve) => setTimeout(resolve, 50))
  execFileSync('pkill', ['-KILL', '-P', String(child.pid), '-f', 'ablation/worker'])
  const [code, output] = await ended
  expect(output).toMatch(/a process died \(SIGKILL\) in .+, seed 0; finished runs are kept/)
  expect(code).toBe(1)
  expect(readResults(join(root, 'dying')).length).toBeGreaterThan(0)
})
