import * as tf from '@tensorflow/tfjs-core'
import { conformance, expectClose, fromFixture, onEachBackend } from '@tricks/conformance'
import { createRandom, type Random } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { applyRandomErasing, type ErasingParams, randomErasing } from '../src/index.ts'
import fixture from './fixtures/random-erasing.json' with { type: 'json' }

const cases = fixture.cases.filter((each) => each.inputs !== undefined)
const distribution = fixture.cases.find(({ kind }) => kind === 'distribution')!

onEachBackend(() => {
  test.each(cases)("as the paper's code: $params.boxes", ({ inputs, params, expected }) => {
    const images = fromFixture(inputs.images) as tf.Tensor4D
    const erased = applyRandomErasing(images, params as unknown as ErasingParams)
    expectClose(erased, expected.images, { absolute: 0, relative: 0 })
  })

  test('a box shows a value, a colour or values of its own, and nothing else changes by a bit', () => {
    const images = tf.randomUniform<tf.Rank.R4>([2, 3, 4, 2], 0, 1, 'float32', 1)
    const boxes = [null, [1, 2, 2, 1]] as const
    const before = [...images.dataSync()]
    const table: [ErasingParams['fill'], number[]][] = [
      [0.25, [0.25, 0.25, 0.25, 0.25]],
      [
        [0.25, 0.5],
        [0.25, 0.5, 0.25, 0.5],
      ],
      [Float32Array.of(0, 0.25, 0.5, 1), [0, 0.25, 0.5, 1]],
    ]
    for (const [fill, shown] of table) {
      const expected = [...before]
      expected.splice(24 + (1 * 4 + 2) * 2, 2, ...shown.slice(0, 2))
      expected.splice(24 + (2 * 4 + 2) * 2, 2, ...shown.slice(2))
      expect([...applyRandomErasing(images, { boxes, fill }).dataSync()]).toEqual(expected)
    }
    const none = applyRandomErasing(images, { boxes: [null, null], fill: [] })
    expect([...none.dataSync()]).toEqual(before)
  })
})

const time = { step: 0, stepsPerEpoch: 10, steps: 100 }
const shape = {
  batch: 20_000,
  height: 32,
  width: 32,
  channels: 3,
  classes: 10,
  mean: [0.1, 0.2, 0.3],
}
const drawn = (
  options: Parameters<typeof randomErasing>[0],
  { batch = 200, random = createRandom(1) }: { batch?: number; random?: Random } = {},
): ErasingParams =>
  randomErasing(options).images!.draw(random, { ...shape, batch }, time) as ErasingParams

/** How many uniform numbers each image takes. */
function counting(random: Random, counts: number[]): Random {
  return {
    ...random,
    images: (size, draw) =>
      random.images(size, (image, i) => {
        counts[i] = 0
        const uniform: Random['uniform'] = (low, high) => {
          counts[i]!++
          return image.uniform(low, high)
        }
        return draw({ ...image, uniform }, i)
      }),
  }
}

describe('draws', () => {
  test("rectangles are as large as the paper's code makes them, and are found as soon", () => {
    const { meanHeight, meanWidth, meanArea, firstTry, samples } =
      distribution.expected as unknown as Record<string, number>
    const counts: number[] = []
    const random = counting(createRandom(1), counts)
    const { boxes } = drawn({ probability: 1, fill: 0 }, { batch: samples, random })
    const mean = (value: (box: readonly number[]) => number): number =>
      boxes.reduce((sum, box) => sum + value(box!), 0) / samples!
    // Both sides are samples; their deviations are about 6.9, 5.5 and 109.
    const error = (deviation: number): number => 3 * deviation * Math.sqrt(2 / samples!)
    expect(Math.abs(mean(([, , height]) => height!) - meanHeight!)).toBeLessThan(error(6.9))
    expect(Math.abs(mean(([, , , width]) => width!) - meanWidth!)).toBeLessThan(error(5.5))
    expect(Math.abs(mean(([, , h, w]) => h! * w!) - meanArea!)).toBeLessThan(error(109))
    // One number decides whether to erase; an attempt takes two.
    const share = counts.filter((count) => count === 3).length / samples!
    expect(Math.abs(share - firstTry!)).toBeLessThan(error(Math.sqrt(firstTry! * (1 - firstTry!))))
  })

  test('rectangles are smaller than the image and lie anywhere in it', () => {
    const { boxes } = drawn({ probability: 1, fill: 0 }, { batch: 4000 })
    expect(Math.max(...boxes.map((box) => box![2]))).toBe(31)
    expect(boxes.every((box) => box![2] < 32 && box![3] < 32)).toBe(true)
    expect(Math.min(...boxes.map((box) => box![0]))).toBe(0)
    expect(boxes.some((box) => box![0] + box![2] === 32)).toBe(true)
    expect(boxes.some((box) => box![1] + box![3] === 32)).toBe(true)
  })

  test('log-uniform shapes are as often flat as steep, uniform ones are mostly steep', () => {
    const steep = (aspect: 'uniform' | 'log-uniform'): number => {
      const { boxes } = drawn(
        { probability: 1, fill: 0, aspect, area: [0.1, 0.1] },
        { batch: 4000 },
      )
      return boxes.filter((box) => box![2] > box![3]).length / 4000
    }
    expect(steep('uniform')).toBeGreaterThan(0.7)
    expect(steep('log-uniform')).toBeLessThan(0.55)
    expect(steep('log-uniform')).toBeGreaterThan(0.4)
  })

  test('a share of the images lose one', () => {
    for (const probability of [0.25, 0.5]) {
      const { boxes } = drawn({ probability, fill: 0 }, { batch: 4000 })
      const share = boxes.filter((box) => box !== null).length / 4000
      expect(Math.abs(share - probability)).toBeLessThan(
        3 * Math.sqrt((probability * (1 - probability)) / 4000),
      )
    }
    expect(drawn({ probability: 0 })).toBeUndefined()
  })

  test('random values are one a channel of each erased pixel, uniform; other fills are what they say', () => {
    const { boxes, fill } = drawn({})
    const values = [...(fill as Float32Array)]
    const erased = boxes.reduce((sum, box) => sum + (box ? box[2] * box[3] : 0), 0)
    expect(values).toHaveLength(3 * erased)
    const mean = values.reduce((sum, value) => sum + value) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    expect(mean).toBeCloseTo(0.5, 2)
    expect(variance).toBeCloseTo(1 / 12, 2)
    expect(drawn({ fill: 'mean' }).fill).toEqual(shape.mean)
    expect(drawn({ fill: [0, 0.5, 1] }).fill).toEqual([0, 0.5, 1])
  })
})

test('what does not fit is said', () => {
  const images = tf.zeros<tf.Rank.R4>([2, 4, 5, 3])
  expect(() => applyRandomErasing(images, { boxes: [null], fill: 0 })).toThrow(
    'random-erasing: expected boxes to be 2 boxes [row, column, height, width] in 4×5, or null, got [null]',
  )
  expect(() => applyRandomErasing(images, { boxes: [null, [3, 0, 2, 2]], fill: 0 })).toThrow(
    'got [null,[3,0,2,2]]',
  )
  expect(() => applyRandomErasing(images, { boxes: [null, [0, 0, 2, 2]], fill: [0, 0] })).toThrow(
    'random-erasing: expected fill to be one value, 3, one a channel, or 12, as many as are erased, got 2 values',
  )
  expect(() => randomErasing({ probability: 2 })).toThrow(
    'random-erasing: expected probability to be a number in [0, 1], got 2',
  )
})

conformance(() => randomErasing(), {
  invalid: [
    () => randomErasing({ probability: NaN }),
    () => randomErasing({ area: [0.4, 0.02] }),
    () => randomErasing({ area: [0, 0.4] }),
    () => randomErasing({ ratio: 0 }),
    () => randomErasing({ aspect: 'square' as 'uniform' }),
    () => randomErasing({ fill: 255 }),
    () => randomErasing({ fill: [] }),
  ],
})
conformance(() => randomErasing({ probability: 1, fill: 'mean' }))
