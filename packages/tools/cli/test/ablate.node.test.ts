import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import {
  armsOf,
  type Comparison,
  type PageText,
  readResults,
  readSummary,
  type Regime,
  write,
} from '@tricks/ablation'
import type { Trick } from '@tricks/core'
import { articleComparisons, articlePage } from '../src/ablation/article.ts'
import { otherComparisons, othersPage } from '../src/ablation/others.ts'
import { recipeComparisons } from '../src/ablation/recipe.ts'
import { recipeOfSpec, type Spec } from '../src/ablation/spec.ts'
import { articleTricks } from '../src/recipes/article.ts'
import { others } from '../src/recipes/others.ts'
import quick from '../src/recipes/quick.ts'

const repository = join(import.meta.dirname, '../../../..')
const committed = join(repository, 'bench', 'ablation')
const root = mkdtempSync(join(tmpdir(), 'ablate-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

function start(
  recipe: string,
  ...args: string[]
): {
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
      recipe,
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

test('each trick of the article is compared, alone and leave-one-out', () => {
  for (const name of articleTricks)
    expect(
      articleComparisons.filter((comparison) => comparison.name === name).map(({ kind }) => kind),
      name,
    ).toEqual(name === 'step-decay' ? ['added'] : ['added', 'left out'])
  for (const { name, with: having, without } of articleComparisons)
    expect(having.key, name).not.toBe(without.key)
  // Each name stands for one arm.
  const arms = armsOf(articleComparisons)
  const listed = articleComparisons.flatMap((comparison) => [comparison.with, comparison.without])
  const tricksOf = ({ spec }: Comparison['with']): Set<string> =>
    new Set((spec as { article: string[] }).article)
  for (const arm of listed) expect(tricksOf(arms.get(arm.key)!)).toEqual(tricksOf(arm))
})

/** As the page of the others says. */
const command =
  'npm start -- ablate cifar10 --recipe base --images 5555 --measured 10000 --epochs 40 --precision float32 --seeds 5 --out bench/ablation/others'

test.each([
  ['the article', '', articleComparisons, (regime, tfjs) => articlePage(regime, tfjs)],
  ['the others', 'others', otherComparisons, (regime) => othersPage(regime, command)],
] satisfies [string, string, readonly Comparison[], (regime: Regime, tfjs: string) => PageText][])(
  "the committed summary, page and chart of %s' ablation come from its runs",
  (_, folder, comparisons, pageOf) => {
    const from = join(committed, folder)
    const { regime, versions } = readSummary(from)
    const copy = join(root, 'copy')
    cpSync(from, copy, { recursive: true })
    write(copy, { regime, versions }, comparisons, pageOf(regime, versions.tfjs))
    for (const name of ['summary.json', 'README.md', 'chart.svg'])
      expect(readFileSync(join(copy, name), 'utf8'), name).toBe(
        readFileSync(join(from, name), 'utf8'),
      )
  },
)

test('trains both arms of a comparison, and resumes', async () => {
  const both = ['--only', 'random-crop + mirroring', '--out', 'small', '--processes', '2']
  const [code, output] = await start('bag-of-tricks', ...both, '--epochs', '1', '--seeds', '1')
    .ended
  expect(output).toContain('0 runs are done, 2 to go')
  expect(code).toBe(0)
  const out = join(root, 'small')
  const first = readResults(out)
  expect(new Set(first.map(({ arm }) => arm))).toEqual(
    new Set(['cosine-decay + batch-norm', 'cosine-decay + batch-norm + random-crop + mirroring']),
  )
  for (const name of ['summary.json', 'README.md', 'chart.svg'])
    expect(existsSync(join(out, name)), name).toBe(true)

  // A crashed machine may leave a truncated line.
  appendFileSync(join(out, 'runs.jsonl'), '{"arm":"mirr')
  const [again, more] = await start('bag-of-tricks', ...both, '--epochs', '1', '--seeds', '2').ended
  expect(more).toContain('2 runs are done, 2 to go')
  expect(again).toBe(0)
  const all = readResults(out)
  expect(all.slice(0, 2)).toEqual(first)
  expect(all.map(({ seed }) => seed)).toEqual([0, 0, 1, 1])
  expect(readFileSync(join(out, 'README.md'), 'utf8')).toMatch(
    /\| random-crop \+ mirroring \|.*\| 2 \|/,
  )

  const [other, refusal] = await start('bag-of-tricks', ...both, '--epochs', '2').ended
  expect(refusal).toContain('contains an ablation with other settings')
  expect(other).toBe(1)
})

test('each trick of a recipe is compared, alone and leave-one-out; the learning rate is always set', () => {
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

test('each trick that is not in the article is compared with a recipe that differs in it', async () => {
  const counts = [50, 40, 30, 20, 10, 9, 8, 7, 6, 5]
  const made = (spec: Comparison['with']['spec']): Promise<object> =>
    recipeOfSpec(spec as Spec, counts)
  const used = new Set<string>()
  for (const { name, with: having, without } of otherComparisons) {
    const [changed, base] = await Promise.all([made(having.spec), made(without.spec)])
    expect(Object.keys(changed), name).toContain('tricks')
    expect(JSON.stringify([changed, having.key]), name).not.toBe(
      JSON.stringify([base, without.key]),
    )
    for (const { spec } of [having, without]) used.add((spec as { other: string }).other)
  }
  expect([...used].toSorted()).toEqual(Object.keys(others).toSorted())
})

test('a trick for rare classes is measured on classes of unequal sizes', async () => {
  const only = ['--only', 'class-weights,lookahead', '--out', 'others', '--epochs', '1']
  const [code] = await start('base', ...only, '--seeds', '1', '--images', '2560').ended
  expect(code).toBe(0)
  const steps = Object.fromEntries(
    readResults(join(root, 'others')).map(({ arm, steps: count }) => [arm, count]),
  )
  // 256 per class, or 256 · 10^(−c / 9), of which a tenth is for validation; batches of 128.
  expect(steps).toEqual({
    base: 18,
    lookahead: 18,
    'base, long-tailed': 8,
    'class-weights, long-tailed': 8,
  })
})
