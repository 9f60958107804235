import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectClose,
  expectFrequencies,
  expectIndependent,
  expectUniform,
  fromFixture,
  onEachBackend,
  asInPipeline,
} from '@tricks/conformance'
import { accuracy, createRandom, oneHot, softmaxCrossEntropy } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { applyRicap, ricap, ricapBatch, type RicapParams } from '../src/index.ts'
import fixture from './fixtures/ricap.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)(
    "matches the authors' code: boundary $params.boundary",
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
  test.each([0.3, 1])('the boundary is Beta(%d, beta) along each axis', (beta) => {
    const drawn = draws({ beta })
    for (const [axis, size] of [
      [0, 32],
      [1, 24],
    ] as const) {
      const boundaries = drawn.map(({ boundary }) => boundary[axis] / size)
      const mean = boundaries.reduce((sum, position) => sum + position) / boundaries.length
      const variance =
        boundaries.reduce((sum, position) => sum + (position - mean) ** 2, 0) / boundaries.length
      const expected = 1 / (4 * (2 * beta + 1))
      expect(Math.abs(mean - 0.5)).toBeLessThan(3 * Math.sqrt(expected / boundaries.length))
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

  test('each patch has its own permutation and is anywhere in its image', () => {
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

test('resolves options with defaults', () => {
  expect(ricap().options).toEqual({ beta: 0.3 })
  expect(ricap({ beta: 1 }).options).toEqual({ beta: 1 })
})

test('rejects mismatched params', () => {
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
    'ricap: expected permutations to be four lists of 2 indices in [0, 2), got [[0,1]]',
  )
  expect(() => applyRicap(batch, { ...params, offsets: [[3, 0]] })).toThrow(
    'ricap: expected offsets to be four [row, column] that keep the patches inside, got [[3,0]]',
  )
  expect(() => applyRicap({ ...batch, targets: oneHot([0], 2) }, params)).toThrow(
    'ricap: expected targets to be 2 rows, one per image, got [1,2]',
  )
  for (const name of ['boundary', 'permutations', 'offsets'])
    for (const wrong of [null, undefined, ['1', '1'], [['1', '0']]])
      expect(() => applyRicap(batch, { ...params, [name]: wrong })).toThrow(
        `ricap: expected ${name} to be`,
      )
})

asInPipeline(ricap, ricapBatch)

test.each([
  [1, 1],
  [1, 5],
  [5, 1],
])('images of %d × %d: every seed gives whole images or stripes', (height, width) => {
  const images = tf.reshape<tf.Rank.R4>(tf.range(0, 3 * height * width), [3, height, width, 1])
  for (let seed = 0; seed < 50; seed++) {
    const batch = ricapBatch({ images, targets: oneHot([0, 1, 2], 3) }, { seed })
    expect(batch.images.shape).toEqual(images.shape)
    expectClose(tf.sum(batch.targets, 1), [1, 1, 1])
  }
})

test('describes its draws', () => {
  const params = { boundary: [3, 5], permutations: [], offsets: [] }
  expect(ricap().mix!.describe!(params, 0)).toBe('meet 3, 5')
})

/** Beta(½, ½) times a side, rounded to whole pixels. */
const boundaries = (size: number): Record<string, number> => {
  const below = (x: number): number =>
    (2 / Math.PI) * Math.asin(Math.sqrt(Math.min(1, Math.max(0, x / size))))
  const share = (i: number): number => below(i + 0.5) - below(i - 0.5)
  return Object.fromEntries(Array.from({ length: size + 1 }, (_, i) => [i, share(i)]))
}
/** All pairs in a batch of eight, equally likely. */
const pairs = Object.fromEntries(
  Array.from({ length: 64 }, (_, i) => [Math.floor(i / 8), i % 8] as const)
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => [`${a} ${b}`, 1 / 56]),
)
test.each<[string, Partial<RicapParams>]>([
  ['boundary', { boundary: [-1, 2] }],
  ['boundary', { boundary: [2, -1] }],
  ['boundary', { boundary: [5, 2] }],
  ['boundary', { boundary: [2.5, 2] }],
  [
    'permutations',
    {
      permutations: [
        [0, 1],
        [0, 1],
        [0, 1],
        [0, 2],
      ],
    },
  ],
  [
    'permutations',
    {
      permutations: [
        [0, 1],
        [0, 1],
        [0, 1],
        [-1, 0],
      ],
    },
  ],
  [
    'permutations',
    {
      permutations: [
        [0, 1],
        [0, 1],
        [0, 1],
        [0, 0.5],
      ],
    },
  ],
  ['permutations', { permutations: [[0, 1], [0], [0, 1], [0, 1]] }],
  [
    'permutations',
    {
      permutations: [
        [0, 1],
        [0, 1, 0],
        [0, 1],
        [0, 1],
      ],
    },
  ],
  [
    'offsets',
    {
      offsets: [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
    },
  ],
  [
    'offsets',
    {
      offsets: [
        [0, 0],
        [0, 0],
        [0, 0],
        [3, 0],
      ],
    },
  ],
  [
    'offsets',
    {
      offsets: [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 3],
      ],
    },
  ],
  [
    'offsets',
    {
      offsets: [
        [0, 0],
        [0, -1],
        [0, 0],
        [0, 0],
      ],
    },
  ],
  [
    'offsets',
    {
      offsets: [
        [0, 0],
        [0, 0.5],
        [0, 0],
        [0, 0],
      ],
    },
  ],
])('rejects %s of %j', (name, wrong) => {
  const orders = [0, 1, 2, 3].map(() => [0, 1])
  const corners = [0, 1, 2, 3].map(() => [0, 0] as const)
  const batch = { images: tf.zeros<tf.Rank.R4>([2, 4, 4, 1]), targets: oneHot([0, 1], 2) }
  const params = { boundary: [2, 2], permutations: orders, offsets: corners } as const
  expect(() => applyRicap(batch, { ...params, ...wrong })).toThrow(`ricap: expected ${name} to be`)
  expect(() => applyRicap(batch, { ...params, boundary: [4, 0] })).not.toThrow()
})

conformance(() => ricap({ beta: 0.5 }), {
  distribution(drawn: readonly RicapParams[]) {
    const [rows, columns] = [0, 1].map((axis) => drawn.map(({ boundary }) => boundary[axis]!))
    expectFrequencies({ rows: rows! }, boundaries(32))
    expectFrequencies({ columns: columns! }, boundaries(24))
    expectIndependent({ rows: rows!, columns: columns! })

    const orders = [0, 1, 2, 3].map((k) =>
      drawn.map(({ permutations }) => Array.from(permutations[k]!)),
    )
    for (const order of orders) {
      expectFrequencies({ pairs: order.map(([a, b]) => `${a} ${b}`) }, pairs)
      for (const permutation of order) expect(new Set(permutation).size).toBe(8)
    }
    const firsts = orders.map((order) => order.map(([first]) => first!))
    expectIndependent({ first: firsts[0]!, second: firsts[1]! })
    expectIndependent({ second: firsts[1]!, third: firsts[2]! })
    expectIndependent({ third: firsts[2]!, fourth: firsts[3]! })

    // A position drawn uniformly from the remaining ones, plus a number in [0, 1), is uniform.
    const noise = createRandom(9).images(drawn.length, (image) => image.uniform())
    for (const k of [0, 1, 2, 3]) {
      const tops = drawn.map(({ boundary: [row], offsets }, i) => {
        const height = k % 2 === 0 ? row : 32 - row
        return (offsets[k]![0] + noise[i]!) / (33 - height)
      })
      const lefts = drawn.map(({ boundary: [, column], offsets }, i) => {
        const width = k < 2 ? column : 24 - column
        return (offsets[k]![1] + noise[i]!) / (25 - width)
      })
      expectUniform({ tops }, 0, 1)
      expectUniform({ lefts }, 0, 1)
    }
  },
  shifted: {
    'one pixel down': ({ boundary: [row, column], ...others }: RicapParams) => ({
      ...others,
      boundary: [Math.min(32, row + 1), column],
    }),
    'a uniform boundary': ({ boundary: [row], ...others }: RicapParams, step) => ({
      ...others,
      boundary: [row, createRandom(9).image(step).integer(0, 25)],
    }),
    'a boundary on the diagonal': ({ boundary: [row], ...others }: RicapParams) => ({
      ...others,
      boundary: [row, Math.round((row * 24) / 32)],
    }),
    'one permutation for all patches': ({ permutations, ...others }: RicapParams) => ({
      ...others,
      permutations: permutations.map(() => permutations[0]!),
    }),
    'patches from the corner': ({ offsets, ...others }: RicapParams) => ({
      ...others,
      offsets: offsets.map((offset, k) => (k === 2 ? [0, 0] : offset)),
    }),
    'offsets one pixel right': ({ offsets, ...others }: RicapParams) => ({
      ...others,
      offsets: offsets.map(([row, column]) => [row, column + 1]),
    }),
  },
  invalid: [
    () => ricap({ beta: 0 }),
    () => ricap({ beta: NaN }),
    () => ricap({ beta: '0.3' as never }),
    () => ricap({ beta: null as never }),
    () => ricap({ alpha: 1 } as never),
    () => ricap({ beta: Infinity }),
  ],
})
