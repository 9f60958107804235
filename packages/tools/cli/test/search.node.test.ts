// A search for a policy on generated pictures, whose classes are the directions of stripes.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRandom } from '@tricks/core'
import { drawPopulationPolicy, scheduledAugment } from '@tricks/policy-search'
import { trialOf } from '@tricks/trials'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scheduleCall } from '../src/policy/arms.ts'
import { generationEnds, joined, populationEpochs } from '../src/policy/population.ts'
import { planOf } from '../src/policy/plan.ts'
import { recipeNamed } from '../src/recipes/index.ts'
import { Account } from '../src/tune/budget.ts'
import { trainBag, type TuneConfig, type TuneMetrics } from '../src/tune/trial.ts'
import { startIn, until } from './program.ts'
import { paintStripes } from './stripes.ts'

const root = mkdtempSync(join(tmpdir(), 'search-'))
beforeAll(() => paintStripes(root))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const words = [
  ...'search ./pictures --recipe ./slow.recipe.ts --members 4 --epochs 4 --budget 84epochs'.split(
    ' ',
  ),
  ...'--backend wasm --processes 2 --seed 3'.split(' '),
]
const start = (...args: string[]): ReturnType<typeof startIn> => startIn(root, args)

interface SearchRecord {
  readonly generations: readonly {
    readonly members: readonly {
      readonly from: number
      readonly accuracy: number
      readonly schedule: readonly { readonly until: number; readonly policy: unknown }[]
    }[]
  }[]
  readonly schedule: Parameters<typeof scheduledAugment>[0]['schedule']
  readonly compared: readonly { readonly name: string; readonly gain?: object }[]
}
const recordIn = (folder: string): SearchRecord =>
  JSON.parse(readFileSync(join(root, folder, 'search.json'), 'utf8')) as SearchRecord
const resultIn = (folder: string): string =>
  readFileSync(join(root, folder, 'search.json'), 'utf8').replaceAll(
    /"(?:s|cpuS)econds": [\d.e-]+/g,
    '',
  )

let calm: Promise<void> | undefined
/** The undisturbed search, in `calm`. */
const undisturbed = (): Promise<void> =>
  (calm ??= start(...words, '--out', 'calm').ended.then(({ code, output }) => {
    expect(code, output).toBe(0)
  }))

test('a population is trained, compared and drawn', async () => {
  await undisturbed()
  const { generations, schedule, compared } = recordIn('calm')
  expect(generations).toHaveLength(4)
  for (const [g, { members }] of generations.entries()) {
    expect(members).toHaveLength(4)
    if (g === 0) continue
    const before = generations[g - 1]!.members
    const scores = before.map(({ accuracy }) => accuracy)
    for (const [i, { from, schedule: own }] of members.entries()) {
      // A member has the history of the one that it continues.
      expect(own.slice(0, -1)).toEqual(before[from]!.schedule)
      if (from !== i) expect(scores[from]).toBe(Math.max(...scores))
    }
  }
  expect(() => scheduledAugment({ schedule })).not.toThrow()
  expect(compared.map(({ name }) => name)).toEqual([
    'found',
    'none',
    'random policies',
    'uniform-augment',
    'trivial-augment',
    'rand-augment',
    "autoaugment's for CIFAR-10",
  ])
  for (const file of ['schedule.svg', 'schedule.json', 'README.md'])
    expect(existsSync(join(root, 'calm', file)), file).toBe(true)
  const { tricks } = await recipeNamed(join(root, 'calm/searched.recipe.mjs'))
  const list = (tricks as (context: never) => readonly { name: string }[])({} as never)
  expect(list.map(({ name }) => name)).toEqual(['scheduled-augment', 'random-flip', 'cosine-decay'])
})

test('a search that is killed and restarted gives the same result', async () => {
  await undisturbed()
  const killed = start(...words, '--out', 'killed')
  // In the second generation at the earliest: each trial has a folder until none starts from it.
  const folders = (): string[] =>
    existsSync(join(root, 'killed/trials')) ? readdirSync(join(root, 'killed/trials')) : []
  await until(() => folders().length > 4)
  killed.child.kill('SIGKILL')
  await killed.ended
  const again = await start(...words, '--out', 'killed').ended
  expect(again.code, again.output).toBe(0)
  expect(resultIn('killed')).toBe(resultIn('calm'))
})

test('a run resumes from the state before its pause, bit for bit', async () => {
  const policies = [0, 1, 2].map((i) => drawPopulationPolicy(createRandom(i)))
  const schedule = policies.map((policy, i) => ({ until: (i + 1) / 3, policy }))
  const bagWith = (parts: number): TuneConfig['bag'] => ({
    batchSize: 8,
    optimizer: { name: 'sgd', options: { learningRate: 0.05, momentum: 0.9 } },
    tricks: [scheduleCall(schedule.slice(0, parts)), { name: 'cosine-decay', options: {} }],
  })
  const setup: TuneConfig['setup'] = {
    recipe: join(root, 'slow.recipe.ts'),
    data: join(root, 'pictures'),
    size: 8,
    skipBroken: false,
    backend: 'wasm',
    precision: 'float32',
    epochs: 6,
    images: { training: 116, validation: 28, test: 36 },
  }
  const storage = join(root, 'storage')
  const trained = async (parts: number, budget: number, from?: string) => {
    const config = { bag: bagWith(parts), setup, measured: 'validation', pause: 1 }
    const more = { seed: 2, budget, ...(from !== undefined && { from }) }
    const trial = trialOf({ kind: 'tune', config: config as never, ...more })
    const job = {
      trial,
      storage,
      folder: join(storage, 'trials', trial.id, '1-a'),
      earlier: [],
      signal: new AbortController().signal,
      progress: () => undefined,
    }
    // Checkpoints after every step: also in the pause.
    const { metrics } = await trainBag(job, 0)
    const { accuracy, loss, steps } = metrics as unknown as TuneMetrics
    return { id: trial.id, accuracy, loss, steps }
  }
  const two = await trained(1, 2)
  const four = await trained(2, 4, two.id)
  const six = await trained(3, 6, four.id)
  const whole = await trained(3, 6)
  expect({ ...six, id: '' }).toEqual({ ...whole, id: '' })
  expect(six.id).not.toBe(whole.id)
  // The checkpoint of another run doesn't fit.
  expect(four.loss).not.toBe(whole.loss)
})

test('plans', () => {
  expect(generationEnds(40)).toHaveLength(12)
  expect(generationEnds(40).at(-1)).toBe(40)
  expect(generationEnds(3)).toEqual([1, 2, 3])
  expect(populationEpochs(16, 40)).toBe(16 * 51)
  const plan = (epochs: number, more = {}): ReturnType<typeof planOf> =>
    planOf(new Account({ epochs }, 2), 1, {
      method: 'pba',
      members: 16,
      epochs: 40,
      images: 5000,
      processes: 2,
      arms: 7,
      ...more,
    })
  expect(plan(20_000)).toMatchObject({ epochs: 40, n: 10 })
  expect(plan(1600).epochs).toBeLessThan(40)
  expect(plan(1600).n).toBeGreaterThanOrEqual(2)
  expect(() => plan(500)).toThrow(
    /search: expected --budget to be at least \d+epochs for 16 members of 4 epochs .*, got 500epochs/,
  )
  const policy = drawPopulationPolicy(createRandom(1))
  expect(
    joined([
      { until: 0.2, policy },
      { until: 0.6, policy },
      { until: 1, policy: [] },
    ]),
  ).toEqual([
    { until: 0.6, policy },
    { until: 1, policy: [] },
  ])
})
