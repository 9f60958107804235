import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  type ConformanceOptions,
  evenly,
  expectClose,
  expectFrequencies,
  expectIndependent,
  fromFixture,
  onEachBackend,
  asInPipeline,
} from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { applyCutout, cutout, cutoutBatch, type CutoutParams } from '../src/index.ts'
import fixture from './fixtures/cutout.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)(
    "matches the paper's code: length $params.length",
    ({ inputs, params, expected }) => {
      const cut = applyCutout(
        fromFixture(inputs.images) as tf.Tensor4D,
        params as unknown as CutoutParams,
      )
      expectClose(cut, expected.images, { absolute: 0, relative: 0 })
    },
  )

  test('a hole shows its fill, and all other pixels stay bit-equal', () => {
    const images = tf.randomUniform<tf.Rank.R4>([1, 4, 4, 3], 0, 1, 'float32', 1)
    const fill = [0.25, 0.5, 0.75]
    const cut = [...applyCutout(images, { centers: [[[1, 1]]], length: 2, fill }).dataSync()]
    const expected = [...images.dataSync()]
    for (const pixel of [0, 1, 4, 5]) expected.splice(pixel * 3, 3, ...fill)
    expect(cut).toEqual(expected)
    for (const one of [0.5, [0.5]]) {
      const grey = applyCutout(images, { centers: [[[1, 1]]], length: 2, fill: one }).dataSync()
      expect(grey.slice(0, 6)).toEqual(new Float32Array(6).fill(0.5))
    }
  })
})

const shape = {
  batch: 2000,
  height: 32,
  width: 24,
  channels: 3,
  classes: 10,
  mean: [0.4, 0.5, 0.6],
}
const time = { step: 0, stepsPerEpoch: 10, steps: 100 }
const drawn = (options: Parameters<typeof cutout>[0]): CutoutParams =>
  cutout(options).images!.draw(createRandom(1), shape, time) as CutoutParams
const range = (values: number[]): [number, number] => [Math.min(...values), Math.max(...values)]

describe('draws', () => {
  test('centres are anywhere, so holes may be clipped', () => {
    const { centers, length, fill } = drawn({ length: 16, holes: 2 })
    expect(centers.every((holes) => holes.length === 2)).toBe(true)
    expect(range(centers.flat().map(([row]) => row))).toEqual([0, 31])
    expect(range(centers.flat().map(([, column]) => column))).toEqual([0, 23])
    expect({ length, fill }).toEqual({ length: 16, fill: shape.mean })
    const mean = centers.flat().reduce((sum, [row]) => sum + row, 0) / 4000
    // Three standard deviations of a mean of 4000 positions in 32.
    expect(Math.abs(mean - 15.5)).toBeLessThan((3 * 9.23) / Math.sqrt(4000))
  })

  test('or holes are kept inside', () => {
    const { centers } = drawn({ length: 16, inside: true })
    expect(range(centers.flat().map(([row]) => row))).toEqual([8, 24])
    expect(range(centers.flat().map(([, column]) => column))).toEqual([8, 16])
    const whole = drawn({ length: 99, inside: true })
    expect(new Set(whole.centers.flat().map(String))).toEqual(new Set(['16,12']))
  })

  test('the fill is a value if given', () => {
    expect(drawn({ fill: 0 }).fill).toBe(0)
  })
})

asInPipeline(cutout, cutoutBatch, { length: 4, fill: 0 })

test('describes its draws', () => {
  const { describe: words } = cutout().images!
  const params = {
    centers: [
      [[3, 4]],
      [
        [1, 2],
        [5, 6],
      ],
    ],
    length: 4,
  }
  expect([0, 1].map((image) => words!(params, image))).toEqual([
    'cutout 3, 4',
    'cutout 1, 2, cutout 5, 6',
  ])
})

test('resolves options with defaults', () => {
  expect(cutout().options).toEqual({ length: 16, holes: 1, fill: 'mean', inside: false })
  expect(cutout({ length: 8, holes: 1000, fill: 1, inside: true }).options).toEqual({
    length: 8,
    holes: 1000,
    fill: 1,
    inside: true,
  })
})

test('rejects mismatched shapes and unknown options', () => {
  const images = tf.zeros<tf.Rank.R4>([2, 4, 4, 3])
  expect(() => applyCutout(images, { centers: [[[0, 0]]], length: 2 })).toThrow(
    'cutout: expected centers to be 2 lists of centres, one per image, got [[[0,0]]]',
  )
  expect(() => applyCutout(images, { centers: [[], []], length: 2, fill: [0, 0] })).toThrow(
    'one value, or 3',
  )
  expect(() => applyCutout(images, { centers: [[], []], length: 2, fill: NaN })).toThrow(
    'one value, or 3',
  )
  for (const center of [[0], [0, NaN], ['0', '0']] as never[])
    expect(() => applyCutout(images, { centers: [[center], []], length: 2 })).toThrow(
      'cutout: expected centers to be 2 lists of centres',
    )
  for (const length of [NaN, -2, '2' as never])
    expect(() => applyCutout(images, { centers: [[], []], length })).toThrow(
      `cutout: expected length to be a number of at least 0, got ${length}`,
    )
  expect(() => cutout({ lenght: 3 } as never)).toThrow(
    'cutout: expected options to be some of length, holes, fill, inside, key, got lenght',
  )
  expect(() => cutout({ length: -3 })).toThrow(
    'cutout: expected length to be a positive integer, got -3',
  )
})

/** Row and column centres in these ranges, uniformly distributed. */
const centred = (
  rowRange: [number, number],
  columnRange: [number, number],
): ConformanceOptions => ({
  distribution(draws: readonly CutoutParams[]) {
    const all = draws.flatMap(({ centers }) => centers.flat())
    const [rows, columns] = [all.map(([row]) => row), all.map(([, column]) => column)]
    expectFrequencies({ rows }, evenly(...rowRange))
    expectFrequencies({ columns }, evenly(...columnRange))
    expectIndependent({ rows, columns })
  },
})
const moved =
  (
    move: (center: readonly [number, number]) => readonly [number, number],
  ): ((params: CutoutParams) => CutoutParams) =>
  ({ centers, ...others }) => ({
    ...others,
    centers: centers.map((holes) => holes.map((center) => move(center))),
  })
conformance(() => cutout({ length: 4, holes: 2 }), {
  ...centred([0, 32], [0, 24]),
  shifted: {
    'one pixel down': moved(([row, column]) => [row + 1, column]),
    'never in the last column': moved(([row, column]) => [row, Math.min(column, 22)]),
    'columns that depend on rows': moved(([row]) => [row, row % 24]),
    'a duplicated hole': ({ centers, ...others }: CutoutParams) => ({
      ...others,
      centers: centers.map(([first]) => [first!, first!]),
    }),
  },
  invalid: [
    () => cutout({ length: 0 }),
    () => cutout({ length: NaN }),
    () => cutout({ holes: 1.5 }),
    () => cutout({ fill: 2 }),
    () => cutout({ fill: 'black' as 'mean' }),
  ],
})
conformance(() => cutout({ length: 8, inside: true }), {
  ...centred([4, 29], [4, 21]),
  shifted: { 'one pixel up': moved(([row, column]) => [row - 1, column]) },
})
