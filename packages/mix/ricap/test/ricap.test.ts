import * as tf from '@tensorflow/tfjs-core'
import { conformance, expectClose, fromFixture, onEachBackend } from '@tricks/conformance'
import { accuracy, createRandom, oneHot, softmaxCrossEntropy } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { applyRicap, ricap, type RicapParams } from '../src/index.ts'
import fixture from './fixtures/ricap.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)(
    "as the authors' code: boundary $params.boundary",
    ({ inputs, params, expected }) => {
      const batch = {
        images: fromFixture(inputs.images) as tf.Tensor4D,
        targets: fromFixture(inputs.labels) as tf.Tensor2D,
      }
      const patched = applyRicap(batch, params as unknown as RicapParams)
      expectClose(patched.images, expected.images, { absolute: 0, relative: 0 })
      expectClose(patched.targets, expected.labels)
    },
  )

  test("loss and accuracy are the patches' own, weighted by their areas", () => {
    const labels = [0, 1, 2]
    const logits = tf.tensor2d([2, 1, 0, 0, 1, 3, 1, 0, 2], [3, 3])
    const permutations = [
      [0, 1, 2],
      [1, 2, 0],
      [2, 0, 1],
      [1, 0, 2],
    ]
    const boundary = [1, 3] as const
    const shares = [3, 9, 1, 3].map((area) => area / 16)
    const { targets } = applyRicap(
      { images: tf.zeros([3, 4, 4, 1]), targets: oneHot(labels, 3) },
      { boundary, permutations, offsets: permutations.map(() => [0, 0]) },
    )
    const weighted = (metric: typeof accuracy): number =>
      permutations.reduce((sum, order, k) => {
        const own = oneHot(
          order.map((i) => labels[i]!),
          3,
        )
        return sum + shares[k]! * metric(own, logits).dataSync()[0]!
      }, 0)
    expectClose(softmaxCrossEntropy(targets, logits), weighted(softmaxCrossEntropy))
    expectClose(accuracy(targets, logits), weighted(accuracy))
  })
})

const shape = { batch: 16, height: 32, width: 24, channels: 3, classes: 10, mean: [0, 0, 0] }
const draws = (options: Parameters<typeof ricap>[0], steps = 4000): RicapParams[] =>
  Array.from({ length: steps }, (_, step) => {
    const time = { step, stepsPerEpoch: 10, steps }
    return ricap(options).mix!.draw(createRandom(1).at(step), shape, time) as RicapParams
  })

describe('draws', () => {
  test.each([0.3, 1])('the boundary is Beta(%d, beta) each way', (beta) => {
    const drawn = draws({ beta })
    for (const [axis, size] of [
      [0, 32],
      [1, 24],
    ] as const) {
      const places = drawn.map(({ boundary }) => boundary[axis] / size)
      const mean = places.reduce((sum, place) => sum + place) / places.length
      const variance = places.reduce((sum, place) => sum + (place - mean) ** 2, 0) / places.length
      const expected = 1 / (4 * (2 * beta + 1))
      expect(Math.abs(mean - 0.5)).toBeLessThan(3 * Math.sqrt(expected / places.length))
      expect(variance / expected).toBeCloseTo(1, 1)
    }
    const both = drawn.map(({ boundary: [row, column] }) => (row / 32 - 0.5) * (column / 24 - 0.5))
    const covariance = both.reduce((sum, product) => sum + product) / both.length
    expect(Math.abs(covariance)).toBeLessThan(0.01)
  })

  test('a patch may be empty', () => {
    expect(draws({}).some(({ boundary: [row] }) => row === 0)).toBe(true)
    expect(draws({}).some(({ boundary: [row] }) => row === 32)).toBe(true)
  })

  test('each patch has a permutation of its own, and lies anywhere in its image', () => {
    const drawn = draws({ beta: 1 })
    for (const { permutations } of drawn.slice(0, 10)) {
      for (const order of permutations)
        expect(Array.from(order).toSorted((a, b) => a - b)).toEqual([...Array(16).keys()])
      expect(new Set(permutations.map(String)).size).toBe(4)
    }
    const middle = drawn.filter(({ boundary }) => boundary[0] === 16)
    const tops = middle.map(({ offsets }) => offsets[0]![0])
    expect([Math.min(...tops), Math.max(...tops)]).toEqual([0, 16])
  })
})

test('what does not fit is said', () => {
  const batch = { images: tf.zeros<tf.Rank.R4>([2, 4, 4, 1]), targets: oneHot([0, 1], 2) }
  const params: RicapParams = {
    boundary: [2, 2],
    permutations: [
      [0, 1],
      [0, 1],
      [0, 1],
      [0, 1],
    ],
    offsets: [
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ],
  }
  expect(() => applyRicap(batch, { ...params, boundary: [2, 5] })).toThrow(
    'ricap: expected boundary to be [row, column] from 0 to 4 and 4, got [2,5]',
  )
  expect(() => applyRicap(batch, { ...params, permutations: [[0, 1]] })).toThrow(
    'ricap: expected permutations to be four lists of 2 places in [0, 2), got [[0,1]]',
  )
  expect(() => applyRicap(batch, { ...params, offsets: [[3, 0]] })).toThrow(
    'ricap: expected offsets to be four [row, column] that keep the patches inside, got [[3,0]]',
  )
})

conformance(() => ricap(), {
  invalid: [() => ricap({ beta: 0 }), () => ricap({ beta: NaN }), () => ricap({ beta: Infinity })],
})
