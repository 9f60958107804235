import * as tf from '@tensorflow/tfjs-core'
import { during, oneOf, sometimes, type Trick } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import {
  checkTrick,
  conformance,
  type ConformanceOptions,
  evenly,
  expectFrequencies,
  expectUniform,
  laws,
  onEachBackend,
} from '../src/index.ts'
import { broken, good, lottery, trusting, uniformly } from './broken.ts'

test('the laws are those of the list, each with tricks that break it', () => {
  const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  expect(laws.map(({ number }) => number)).toEqual(numbers)
  expect([...new Set(broken.map(({ law }) => law))]).toEqual(numbers)
})

onEachBackend(() => {
  test.each(broken)(
    'law $law is broken by one that $mistake',
    async ({ make, options = {}, ...is }) => {
      const law = laws[is.law - 1]!
      const subject = { name: make().name, make, options }
      expect(law.applies(subject)).toBe(true)
      await expect(law.check(subject)).rejects.toThrow(new Error(is.message))
    },
  )

  test('law 1 is broken by Math.random', async () => {
    await expect(laws[0]!.check({ name: 'lottery', make: lottery, options: {} })).rejects.toThrow(
      /^lottery breaks law 1: two draws for seed 1, step 7 and a batch of 1 are \d\S+ and \d/,
    )
  })
})

test('the stack leads into the hook that threw', async () => {
  const make = (): Trick => ({
    name: 'throws',
    options: {},
    targets: function hookThatThrows() {
      throw new TypeError('no such class.')
    },
  })
  const error = await laws[3]!.check({ name: 'throws', make, options: {} }).catch((e: Error) => e)
  expect((error as Error).message).toBe('throws breaks law 4: no such class')
  expect((error as Error).stack).toMatch(
    /^Error: throws breaks law 4: no such class\n.*hookThatThrows/,
  )
})

describe('tricks that keep the laws pass', () => {
  for (const [name, make] of Object.entries(good))
    conformance(make, name === 'brightness' ? uniformly(0.5, 1) : {})
})

describe('so do their combinators', () => {
  const { brightness, colour, averaging, plateau } = good as Record<string, () => Trick>
  interface Chosen {
    readonly choice: readonly number[]
    readonly params: { readonly brightness?: readonly number[] }
  }
  /** Draws per image: each has its choice, and a strength if brightness is chosen. */
  const chosen = (odds: Record<string, number>, shifts: number): ConformanceOptions => ({
    distribution(draws: readonly (Chosen | undefined)[]) {
      // Nothing is drawn if no image of the batch chose the trick.
      const all = draws.map((each) => each?.choice ?? Array<number>(8).fill(-1))
      expectFrequencies({ choices: all.flat() }, odds)
      const strengths = draws.flatMap(
        (each) => each?.params.brightness?.filter((_, i) => each.choice[i] === 0) ?? [],
      )
      expectUniform({ strengths }, 0.5, 1)
    },
    shifted: {
      'the first trick for a tenth of the others': ({ choice, params }: Chosen, step) => ({
        choice: choice.map((each, i) => ((step * 8 + i * 7) % 10 < shifts ? 0 : each)),
        params,
      }),
    },
  })
  conformance(
    () =>
      oneOf([
        [brightness!(), 1],
        [colour!(), 2],
      ]),
    chosen({ 0: 1 / 3, 1: 2 / 3 }, 1),
  )
  conformance(() => sometimes(0.5, brightness!()), chosen({ 0: 0.5, '-1': 0.5 }, 1))
  conformance(() => during({ until: { fraction: 0.5 } }, brightness!()), {
    distribution(draws: readonly ({ brightness: number[] } | undefined)[]) {
      expect(draws.findIndex((params) => params === undefined)).toBe(draws.length / 2)
      expectUniform({ strengths: draws.flatMap((params) => params?.brightness ?? []) }, 0.5, 1)
    },
  })
  conformance(() => during({ until: { fraction: 0.5 } }, averaging!()))
  conformance(() => during({ from: { epochs: 1 } }, plateau!()))

  const mixing = (name: string): Trick => ({
    name,
    options: {},
    mix: {
      draw: (random, { batch }) => [...random.permutation(batch)],
      apply: ({ images, targets }, order) =>
        tf.tidy(() => {
          const partners = tf.tensor1d(order as number[], 'int32')
          const half = <T extends tf.Tensor>(x: T): T =>
            tf.mul(tf.add(x, tf.gather(x, partners)), 0.5)
          return { images: half(images), targets: half(targets) }
        }),
    },
  })
  /** Draws per step: each uses one trick, or none. */
  const bySteps = (odds: Record<string, number>): ConformanceOptions => ({
    distribution(draws: readonly (Record<string, number[]> | undefined)[]) {
      expectFrequencies({ choices: draws.map((params) => Object.keys(params ?? {}).join()) }, odds)
      const partners = draws.flatMap((params) =>
        Object.values(params ?? {}).map(([first]) => first!),
      )
      expectFrequencies({ partners }, evenly(0, 8))
    },
    shifted: {
      'the first trick for a fifth of the others': (params, step) =>
        step % 5 > 0 ? params : { 'mix-a': Object.values(params)[0] },
    },
  })
  conformance(
    () =>
      oneOf([
        [mixing('mix-a'), 1],
        [mixing('mix-b'), 3],
      ]),
    bySteps({ 'mix-a': 0.25, 'mix-b': 0.75 }),
  )
  conformance(() => sometimes(0.25, mixing('mix-a')), {
    ...bySteps({ 'mix-a': 0.25, '': 0.75 }),
    shifted: {},
  })

  const smooth: Trick = {
    name: 'smooth',
    options: {},
    targets: (targets) => tf.tidy(() => tf.add(tf.mul(targets, 0.5), 0.05)),
  }
  conformance(() => sometimes(0.3, smooth), {
    distribution(draws: readonly number[][]) {
      const smoothed = draws.map((targets) => targets.every((value) => value > 0))
      expectFrequencies({ smoothed }, { true: 0.3, false: 0.7 })
    },
    shifted: {
      'always in every fourth step': (targets: number[], step) =>
        step % 4 > 0 ? targets : targets.map(() => 0.1),
    },
  })
})

describe('checkTrick', () => {
  const backends = Object.keys(tf.engine().registryFactory)

  test('finds nothing in a good trick', async () => {
    expect(await checkTrick(good['brightness']!, uniformly(0.5, 1))).toEqual([])
  })

  test('finds each broken law on each backend, and restores the backend', async () => {
    const before = tf.getBackend()
    const { make, message } = broken.find(
      ({ mistake }) => mistake === 'brightens without clipping',
    )!
    const { title } = laws[3]!
    expect((await checkTrick(make)).filter(({ law }) => law === 4)).toEqual(
      backends.map((backend) => ({ law: 4, title, backend, message })),
    )
    expect(tf.getBackend()).toBe(before)
  })

  test('skips the given backends', async () => {
    const { make } = broken.find(({ mistake }) => mistake === 'brightens without clipping')!
    const found = await checkTrick(make, { without: { cpu: 'a reason' } })
    expect(new Set(found.map(({ backend }) => backend))).toEqual(
      new Set(backends.filter((name) => name !== 'cpu')),
    )
  })

  test('accepts another size if it is declared', async () => {
    const smaller = (): Trick => ({
      name: 'smaller',
      options: {},
      images: {
        draw: () => 0,
        apply: (images) => tf.tidy(() => tf.image.resizeBilinear(images, [4, 4])),
      },
    })
    expect(await checkTrick(smaller, { outputSize: () => [4, 4] })).toEqual([])
    const undeclared = await checkTrick(smaller)
    expect(new Set(undeclared.map(({ law }) => law))).toEqual(new Set([4, 5]))
  })

  test("quotes a call's source, even of an imported name", async () => {
    const [breach] = await checkTrick(() => trusting(1), { invalid: [() => trusting(-3)] })
    expect(breach!.message).toContain('law 8: trusting(-3) is accepted.')
  })
})

describe('onEachBackend', () => {
  const called: string[] = []
  onEachBackend(
    (backend) => {
      called.push(backend)
      test('makes its backend the current one', () => {
        expect(tf.getBackend()).toBe(backend)
      })
    },
    { without: { cpu: 'reports skipped backends' } },
  )

  test('skips the given laws', () => {
    expect(called).toEqual(
      Object.keys(tf.engine().registryFactory).filter((name) => name !== 'cpu'),
    )
    expect(called.length).toBeGreaterThan(0)
  })
})
