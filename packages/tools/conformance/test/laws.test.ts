import * as tf from '@tensorflow/tfjs-core'
import { during, oneOf, sometimes, type Trick } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { checkTrick, conformance, laws, onEachBackend } from '../src/index.ts'
import { broken, good, lottery, trusting } from './broken.ts'

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

  test('law 1 is broken by dice of its own', async () => {
    await expect(laws[0]!.check({ name: 'lottery', make: lottery, options: {} })).rejects.toThrow(
      /^lottery breaks law 1: drawing twice for seed 1, step 7 and a batch of 1 gives \d\S+ and \d/,
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
  for (const make of Object.values(good)) conformance(make)
})

describe('so do combinators of them', () => {
  const { brightness, colour, averaging, plateau } = good as Record<string, () => Trick>
  conformance(() =>
    oneOf([
      [brightness!(), 1],
      [colour!(), 2],
    ]),
  )
  conformance(() => sometimes(0.5, brightness!()))
  conformance(() => during({ until: { fraction: 0.5 } }, averaging!()))
  conformance(() => during({ from: { epochs: 1 } }, plateau!()))
})

describe('checkTrick', () => {
  const backends = Object.keys(tf.engine().registryFactory)

  test('finds nothing in a good trick', async () => {
    expect(await checkTrick(good['brightness']!)).toEqual([])
  })

  test('finds each broken law on each backend, and leaves the backend as it was', async () => {
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

  test('leaves out the backends that it is told to', async () => {
    const { make } = broken.find(({ mistake }) => mistake === 'brightens without clipping')!
    const found = await checkTrick(make, { without: { cpu: 'a reason' } })
    expect(new Set(found.map(({ backend }) => backend))).toEqual(
      new Set(backends.filter((name) => name !== 'cpu')),
    )
  })

  test('takes another size where it is declared', async () => {
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

  test('quotes a call as it was written, also of an imported name', async () => {
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
    { without: { cpu: 'shows how a backend is left out' } },
  )

  test('leaves out what it is told to', () => {
    expect(called).toEqual(
      Object.keys(tf.engine().registryFactory).filter((name) => name !== 'cpu'),
    )
    expect(called.length).toBeGreaterThan(0)
  })
})
