import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  type ConformanceOptions,
  expectCdf,
  expectClose,
  expectFrequencies,
  expectIndependent,
  expectUniform,
  fromFixture,
  onEachBackend,
  asInPipeline,
} from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { applyMixup, mixup, mixupBatch, type MixupParams } from '../src/index.ts'
import fixture from './fixtures/mixup.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)('matches the formula: λ per $kind', ({ inputs, params, expected }) => {
    const batch = {
      images: fromFixture(inputs.images) as tf.Tensor4D,
      targets: fromFixture(inputs.labels) as tf.Tensor2D,
    }
    const mixed = applyMixup(batch, params)
    expectClose(mixed.images, expected.images)
    expectClose(mixed.targets, expected.labels)
  })

  test('λ weights the image itself', () => {
    const batch = {
      images: tf.tensor4d([1, 0], [2, 1, 1, 1]),
      targets: tf.tensor2d([
        [1, 0],
        [0, 1],
      ]),
    }
    const { images, targets } = applyMixup(batch, { lambda: 0.75, permutation: [1, 0] })
    expect([...images.dataSync()]).toEqual([0.75, 0.25])
    expect([...targets.dataSync()]).toEqual([0.75, 0.25, 0.25, 0.75])
  })
})

const shape = { batch: 64, height: 8, width: 8, channels: 3, classes: 10, mean: [0, 0, 0] }
const drawn = (options: Parameters<typeof mixup>[0], step = 0): MixupParams =>
  mixup(options).mix!.draw(createRandom(1).at(step), shape, {
    step,
    stepsPerEpoch: 10,
    steps: 100,
  }) as MixupParams

describe('draws', () => {
  test('λ is Beta(alpha, alpha): its mean ½, its variance 1 / (4 (2 alpha + 1))', () => {
    for (const alpha of [0.2, 1, 4]) {
      const lambdas = Array.from(
        { length: 4000 },
        (_, step) => drawn({ alpha }, step).lambda as number,
      )
      const mean = lambdas.reduce((sum, lambda) => sum + lambda) / 4000
      const variance = lambdas.reduce((sum, lambda) => sum + (lambda - mean) ** 2, 0) / 4000
      const expected = 1 / (4 * (2 * alpha + 1))
      expect(Math.abs(mean - 0.5)).toBeLessThan(3 * Math.sqrt(expected / 4000))
      expect(variance / expected).toBeCloseTo(1, 1)
    }
  })

  test('partners are a permutation', () => {
    const { permutation } = drawn({})
    expect([...permutation].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 64 }, (_, i) => i),
    )
  })

  test('draws a λ per image if requested', () => {
    expect(new Set(drawn({ perImage: true }).lambda as number[]).size).toBe(64)
  })
})

test('resolves options with defaults', () => {
  expect(mixup().options).toEqual({ alpha: 0.2, perImage: false })
  expect(mixup({ alpha: 1, perImage: true }).options).toEqual({ alpha: 1, perImage: true })
})

asInPipeline(mixup, mixupBatch, { perImage: true })

test('describes its draws', () => {
  const { describe: words } = mixup().mix!
  expect(words!({ lambda: 0.756, permutation: [1, 0] }, 1)).toBe('λ 0.76')
  expect(words!({ lambda: [0.756, 0.2], permutation: [1, 0] }, 1)).toBe('λ 0.20')
})

test('rejects mismatched params', () => {
  const batch = {
    images: tf.zeros<tf.Rank.R4>([2, 1, 1, 1]),
    targets: tf.zeros<tf.Rank.R2>([2, 3]),
  }
  const permutation = [1, 0]
  expect(() => applyMixup(batch, { lambda: 1.2, permutation })).toThrow(
    'mixup: expected lambda to be one number in [0, 1], or 2, one per image, got 1.2',
  )
  expect(() => applyMixup(batch, { lambda: [0, 0, 0], permutation })).toThrow(
    'one number in [0, 1], or 2, one per image, got [0,0,0]',
  )
  expect(() => applyMixup(batch, { lambda: 0.5, permutation: [0, 2] })).toThrow(
    'mixup: expected permutation to be 2 indices in [0, 2), got [0,2]',
  )
  const { images } = batch
  expect(() =>
    applyMixup({ images, targets: tf.zeros([1, 3]) }, { lambda: 1, permutation }),
  ).toThrow('mixup: expected targets to be 2 rows, one per image, got [1,3]')
  for (const lambda of [-0.1, NaN, [0.5, 1.5], [1.5, 0.5], [], '0.5', ['0.5', 1], null, undefined])
    expect(() => applyMixup(batch, { lambda: lambda as number, permutation })).toThrow(
      'expected lambda to be one number in',
    )
  for (const wrong of [[0], [0, 1, 1], [0, 0.5], [-1, 0], [0, NaN], ['1', '0'], null, undefined])
    expect(() => applyMixup(batch, { lambda: 0.5, permutation: wrong as number[] })).toThrow(
      'expected permutation to be 2',
    )
  // The ends are valid weights too.
  for (const lambda of [0, 1, [0, 1]])
    expect(() => applyMixup(batch, { lambda, permutation })).not.toThrow()
})

/** All pairs in a batch of eight, equally likely. */
const pairs = Object.fromEntries(
  Array.from({ length: 64 }, (_, i) => [Math.floor(i / 8), i % 8] as const)
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => [`${a} ${b}`, 1 / 56]),
)
/** Beta(½, ½), the arcsine distribution. */
const arcsine = (x: number): number => (2 / Math.PI) * Math.asin(Math.sqrt(x))
const mixes = (check: (lambdas: number[]) => void): ConformanceOptions => ({
  distribution(draws: readonly MixupParams[]) {
    check(draws.flatMap(({ lambda }) => lambda))
    const partners = draws.map(({ permutation }) => Array.from(permutation))
    expectFrequencies({ pairs: partners.map(([a, b]) => `${a} ${b}`) }, pairs)
    for (const permutation of partners) expect(new Set(permutation).size).toBe(8)
    expectIndependent({
      lambdas: draws.map(({ lambda }) => [lambda].flat()[0]!),
      partners: partners.map(([first]) => first!),
    })
  },
})
const lambdaOf =
  (change: (lambda: number, step: number) => number) =>
  ({ lambda, permutation }: MixupParams, step: number): MixupParams => ({
    permutation,
    lambda:
      typeof lambda === 'number'
        ? change(lambda, step)
        : lambda.map((own, i) => change(own, 8 * step + i)),
  })
const partnersOf =
  (change: (permutation: number[]) => number[]) =>
  ({ lambda, permutation }: MixupParams): MixupParams => ({
    lambda,
    permutation: change(Array.from(permutation)),
  })
const uniform = (_: number, i: number): number => createRandom(9).image(i).uniform()
conformance(() => mixup({ alpha: 0.5 }), {
  ...mixes((lambdas) => expectCdf({ lambdas }, arcsine)),
  shifted: {
    'uniform instead of Beta(½, ½)': lambdaOf(uniform),
    'never below a half': lambdaOf((lambda) => Math.max(lambda, 1 - lambda)),
    'each image with itself': partnersOf((permutation) => permutation.map((_, i) => i)),
    'in reverse': partnersOf((permutation) => permutation.map((_, i) => 7 - i)),
    'some twice': partnersOf(([first, second, ...others]) => [
      first!,
      second!,
      ...others.map(() => first!),
    ]),
    'each with the next': partnersOf((permutation) =>
      permutation.map((_, i) => (permutation[0]! + i) % 8),
    ),
  },
  invalid: [
    () => mixup({ alpha: 0 }),
    () => mixup({ alpha: -1 }),
    () => mixup({ alpha: Infinity }),
    () => mixup({ alpha: NaN }),
    () => mixup({ alpha: null as never }),
    () => mixup({ alpha: '0.2' as never }),
    () => mixup({ perImage: 'true' as never }),
    () => mixup({ beta: 0.2 } as never),
    () => mixup({ perImage: 1 as unknown as true }),
  ],
})
// Beta(1, 1) is uniform.
conformance(
  () => mixup({ alpha: 1, key: 'uniform' }),
  mixes((lambdas) => expectUniform({ lambdas }, 0, 1)),
)
conformance(() => mixup({ alpha: 2, perImage: true }), {
  ...mixes((lambdas) => expectCdf({ lambdas }, (x) => 3 * x ** 2 - 2 * x ** 3)),
  shifted: {
    'uniform instead of Beta(2, 2)': lambdaOf(uniform),
    '2 % more of the image itself': lambdaOf((lambda) => lambda + 0.02),
    'one for the whole batch': ({ lambda, permutation }: MixupParams) => ({
      lambda: (lambda as number[]).map(() => (lambda as number[])[0]!),
      permutation,
    }),
  },
})
