import { useBackend } from '@tricks/backend'
import { createRandom, during, type Json } from '@tricks/core'
import { cosineDecay } from '@tricks/cosine-decay'
import { cutmix } from '@tricks/cutmix'
import { randomFlip } from '@tricks/random-flip'
import { defineRecipe } from '@tricks/run'
import { type Configuration, checkSpace, configure } from '@tricks/tune'
import { beforeAll, describe, expect, test } from 'vitest'
import quick from '../src/recipes/quick.ts'
import { type Bag, isKept, makeOptimizer, makeTrick } from '../src/tune/bag.ts'
import { type Base, baseOf } from '../src/tune/base.ts'
import { budgetOf } from '../src/tune/budget.ts'
import { recipeSource } from '../src/tune/code.ts'
import { sharesOf } from '../src/tune/conclude.ts'
import { partsOf } from '../src/tune/parts.ts'
import { obsolete, rungsOf } from '../src/tune/search.ts'
import { bagOf, drawNear, type Searched, spaceOf, startOf } from '../src/tune/space.ts'
import { pausedLength } from '../src/tune/trial.ts'

const facts = { height: 32, width: 32, channels: 3, classes: 10, images: 5000 }
let base: Base
let searched: Searched
beforeAll(async () => {
  await useBackend('wasm')
  base = baseOf(quick, facts)
  searched = spaceOf(base)
})

/** The recipe with changes. */
const changed = (changes: Configuration): Configuration =>
  configure(searched.space, (name) => changes[name] ?? searched.start[name]!)

const callsOf = (bag: Bag): Record<string, Json> =>
  Object.fromEntries(
    bag.tricks.flatMap((part) => (isKept(part) ? [] : [[part.name, part.options]])),
  )

test('the space contains the recipe itself', () => {
  checkSpace(searched.space)
  const bag = bagOf(base, startOf(searched))
  expect(bag.batchSize).toBe(64)
  expect(bag.optimizer).toEqual({
    name: 'sgd',
    options: { learningRate: 0.04, momentum: 0.9, nesterov: true },
  })
  expect(callsOf(bag)).toEqual({
    'random-crop': { padding: 1 },
    'random-flip': {},
    'label-smoothing': {},
    warmup: { multiplier: 8, over: { fraction: 0.15 } },
  })
  const warm = bag.tricks.at(-1)
  expect(warm).toMatchObject({ name: 'warmup', after: { name: 'cosine-decay' } })
})

test('every candidate gives tricks and an optimizer, and differs from the recipe', () => {
  const random = createRandom(2)
  const seen = new Set<string>()
  for (let i = 0; i < 200; i++) {
    const bag = bagOf(base, drawNear(searched, random.at(i)))
    for (const part of bag.tricks)
      seen.add(makeTrick(part as Exclude<typeof part, { kept: string }>).name)
    makeOptimizer(bag.optimizer!).dispose()
    // Mixes are alternatives.
    expect(
      bag.tricks.filter((part) => /^(mixup|cutmix|ricap)$/.test((part as { name: string }).name))
        .length,
    ).toBeLessThan(2)
  }
  for (const name of [
    'cutout',
    'ricap',
    'augmix',
    'sharpness-aware',
    'one-cycle',
    'focal-loss',
    'xavier',
  ])
    expect(seen).toContain(name)
})

test('with a warm-up, the searched rate is the one at its end', () => {
  const bag = bagOf(base, changed({ 'sgd.learningRate': 0.8, 'warmup.multiplier': 4 }))
  expect(bag.optimizer!.options['learningRate']).toBe(0.2)
  const cold = bagOf(base, changed({ 'sgd.learningRate': 0.8, warmup: false }))
  expect(cold.optimizer!.options['learningRate']).toBe(0.8)
  expect(cold.tricks.at(-1)).toEqual({ name: 'cosine-decay', options: {} })
})

test('tricks that the catalogue does not have are unchanged, and exclude conflicting groups', () => {
  const own = defineRecipe({
    ...quick,
    tricks: [randomFlip(), during({ until: { fraction: 0.9 } }, cutmix()), cosineDecay()],
  })
  const other = baseOf(own, facts)
  const { space } = spaceOf(other)
  expect(space['mix']).toBeUndefined()
  expect(space['schedule']).toBeDefined()
  const { tricks } = bagOf(other, startOf(spaceOf(other)))
  expect(tricks).toContainEqual({ kept: 'during(cutmix)' })
})

describe('parts', () => {
  test('are the tricks, those dropped, and other options', () => {
    const winner = changed({
      'label-smoothing': false,
      cutout: true,
      schedule: 'polynomial-decay',
      batchSize: 128,
      'sgd.momentum': 0.95,
    })
    const parts = Object.fromEntries(
      partsOf(searched, winner).map(({ name, configuration }) => [name, configuration]),
    )
    expect(Object.keys(parts).toSorted()).toEqual(
      [
        'batches of 128',
        'cutout',
        'no label-smoothing',
        'polynomial-decay',
        'random-crop',
        'random-flip',
        "sgd's options",
        'warmup',
      ].toSorted(),
    )
    expect(parts['cutout']!['cutout']).toBe(false)
    expect(parts['no label-smoothing']!['label-smoothing']).toBe(true)
    expect(parts['polynomial-decay']!['schedule']).toBe('cosine-decay')
    expect(parts["sgd's options"]!['sgd.momentum']).toBe(0.9)
    expect(parts["sgd's options"]!['cutout']).toBe(true)
    expect(parts['batches of 128']!['batchSize']).toBe(64)
  })

  test('of an unchanged recipe are its tricks', () => {
    expect(partsOf(searched, startOf(searched)).map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'random-crop',
        'random-flip',
        'label-smoothing',
        'cosine-decay',
        'warmup',
      ]),
    )
  })
})

test('the source of a recipe', () => {
  const bag = bagOf(base, changed({ cutout: true, 'cutout.length': 12 }))
  const source = recipeSource({
    recipe: quick,
    name: 'quick',
    bag,
    epochs: 9,
    file: 'runs/tuned.recipe.mjs',
    what: "somebody's",
    comment: ['Found by a test.'],
  })
  expect(source).toContain("import { cutout } from '@tricks/cutout'")
  expect(source).toContain("  what: 'somebody\\'s',\n")
  expect(source).toContain('    cutout({ length: 12 }),\n')
  expect(source).toContain(
    'warmup({ multiplier: 8, over: { fraction: 0.15 }, after: cosineDecay() }),',
  )
  const kept = { ...bag, tricks: [...bag.tricks, { kept: 'mine' }] }
  const onTop = recipeSource({
    recipe: quick,
    name: 'my.recipe.ts',
    bag: kept,
    epochs: 9,
    file: 'runs/tuned.recipe.mjs',
    what: 'x',
    comment: [],
  })
  expect(onTop).toContain("import base from '../my.recipe.ts'")
  expect(onTop).toContain(
    "...tricksOf(base, context).filter(({ key, name }) => (key ?? name) === 'mine'),",
  )
})

test.each([
  ['2h', { seconds: 7200 }],
  ['1h30m', { seconds: 5400 }],
  ['1.5h', { seconds: 5400 }],
  ['90min', { seconds: 5400 }],
  ['500epochs', { epochs: 500 }],
])('the budget %s', (text, budget) => {
  expect(budgetOf(text)).toEqual(budget)
})

test.each(['', 'h', '2', '-2h', '2h!', '0s', '0epochs', 'h2'])(
  'the budget %j is rejected',
  (text) => {
    expect(() => budgetOf(text)).toThrow('--budget: expected a time')
  },
)

test('rungs, their lengths, and shares of a budget', () => {
  expect(rungsOf(40)).toEqual([13, 40])
  expect(rungsOf(1)).toEqual([1])
  expect(pausedLength(13, 40)).toBe(16)
  expect(pausedLength(40, 40)).toBe(40)
  const { finalists, finalistSeeds, comparisonSeeds } = sharesOf(52)
  expect(comparisonSeeds).toBe(10)
  expect(finalists * finalistSeeds + 2 * comparisonSeeds).toBeLessThan(40)
  expect(sharesOf(4)).toEqual({ finalists: 2, finalistSeeds: 1, comparisonSeeds: 2 })
})

test('checkpoints are removed if nothing will resume from them', () => {
  const decision = (candidate: number, rung: number, accuracy?: number): never =>
    ({
      candidate,
      rung,
      trial: { id: `${candidate}/${rung}` },
      ...(accuracy !== undefined && {
        entry: { state: 'finished', outcome: { metrics: { accuracy } } },
      }),
    }) as never
  const first = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6].map((accuracy, i) => decision(i, 0, accuracy))
  const idsOf = (list: never[]): string[] => obsolete(list).map(({ trial }) => trial.id)
  expect(idsOf(first)).toEqual(['0/0', '1/0', '2/0'])
  expect(idsOf(first.slice(0, 5))).toEqual([])
  expect(idsOf([...first, decision(5, 1)])).not.toContain('5/0')
  expect(idsOf([...first, decision(5, 1, 0.7)])).toContain('5/0')
})
