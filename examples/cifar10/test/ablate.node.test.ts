import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readResults, readSummary, type Result, write } from '../src/ablation/ablate.ts'
import { armsOf, comparisons, keyOfArm } from '../src/ablation/arms.ts'
import { imagesOf } from '../src/ablation/images.ts'
import { cardsOf } from '../src/ablation/cards.ts'
import { estimate, pageOf, summarize } from '../src/ablation/summary.ts'
import { articleTricks } from '../src/article.ts'
import { repository } from '../src/pictures.ts'

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
    ['--conditions=@tricks/source', '--no-warnings', cli, 'ablate', ...small, ...args],
    { env: { ...process.env, INIT_CWD: root } },
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
      comparisons.filter((comparison) => comparison.name === name).map(({ kind }) => kind),
      name,
    ).toEqual(name === 'step-decay' ? ['added'] : ['added', 'left out'])
  for (const { name, with: having, without } of comparisons)
    expect(keyOfArm(having), name).not.toBe(keyOfArm(without))
  // One name, one arm.
  const arms = armsOf(comparisons)
  const listed = comparisons.flatMap((comparison) => [comparison.with, comparison.without])
  for (const arm of listed)
    expect(new Set(arms.get(keyOfArm(arm))!.tricks)).toEqual(new Set(arm.tricks))
})

test('images to train on and to measure on are as many of each class, and none is both', () => {
  const labels = Array.from({ length: 400 }, (_, i) => i % 4)
  const images = Uint8Array.from({ length: 800 }, (_, i) => Math.floor(i / 2) % 251)
  const set = { images, labels, height: 1, width: 1, channels: 2, classes: ['a', 'b', 'c', 'd'] }
  const regime = { trainingImages: 80, validationImages: 8, measuredImages: 100 }
  const { train, measured } = imagesOf(set, {
    ...regime,
    epochs: 1,
    batchSize: 1,
    backend: 'cpu',
    precision: 'float32',
  })
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
    with: { tricks: ['mirroring'] },
    without: { tricks: ['batch-norm', 'l2'] },
  } as const
  const without = keyOfArm(comparison.without)

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
    const about = readSummary(committed)
    expect(pageOf(about, { summaries: [summary!], machines: ['a machine'] })).toContain(
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

test('what is kept of the ablation, and the cards that quote it, come from its runs', () => {
  const summary = readSummary(committed)
  for (const [card, text] of cardsOf(repository, summary, summary.comparisons))
    expect(text, card).toBe(readFileSync(join(repository, card), 'utf8'))
  const copy = join(root, 'copy')
  cpSync(committed, copy, { recursive: true })
  write(copy, { regime: summary.regime, versions: summary.versions })
  for (const name of ['summary.json', 'README.md', 'chart.svg'])
    expect(readFileSync(join(copy, name), 'utf8'), name).toBe(
      readFileSync(join(committed, name), 'utf8'),
    )
})

test('trains both sides of a comparison, and goes on where it was', async () => {
  const both = ['--only', 'random-crop + mirroring', '--out', 'small', '--processes', '2']
  const [code, output] = await start(...both, '--epochs', '1', '--seeds', '1').ended
  expect(output).toContain('0 runs are there, 2 to go')
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
  expect(more).toContain('2 runs are there, 2 to go')
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

test('a process that dies is told, and what was done is kept', async () => {
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
  expect(output).toMatch(/a process died \(SIGKILL\) in .+, seed 0; what was done is kept/)
  expect(code).toBe(1)
  expect(readResults(join(root, 'dying')).length).toBeGreaterThan(0)
})
