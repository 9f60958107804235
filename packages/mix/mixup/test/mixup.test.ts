import * as tf from '@tensorflow/tfjs-core'
import { conformance, expectClose, fromFixture, onEachBackend } from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { applyMixup, mixup, type MixupParams } from '../src/index.ts'
import fixture from './fixtures/mixup.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)('as the formula: λ per $kind', ({ inputs, params, expected }) => {
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

  test('a λ an image where asked for', () => {
    expect(new Set(drawn({ perImage: true }).lambda as number[]).size).toBe(64)
  })
})

test('what does not fit is said', () => {
  const batch = {
    images: tf.zeros<tf.Rank.R4>([2, 1, 1, 1]),
    targets: tf.zeros<tf.Rank.R2>([2, 3]),
  }
  const permutation = [1, 0]
  expect(() => applyMixup(batch, { lambda: 1.2, permutation })).toThrow(
    'mixup: expected lambda to be in [0, 1], got 1.2',
  )
  expect(() => applyMixup(batch, { lambda: [0, 0, 0], permutation })).toThrow(
    'one number or 2, one an image',
  )
  expect(() => applyMixup(batch, { lambda: 0.5, permutation: [0, 2] })).toThrow(
    'mixup: expected permutation to be 2 places in [0, 2), got [0,2]',
  )
})

conformance(() => mixup({ alpha: 1 }), {
  invalid: [
    () => mixup({ alpha: 0 }),
    () => mixup({ alpha: -1 }),
    () => mixup({ alpha: Infinity }),
  ],
})
conformance(() => mixup({ perImage: true }))
