import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  type ConformanceOptions,
  expectClose,
  expectFrequencies,
  expectIndependent,
  expectUniform,
  fromFixture,
  onEachBackend,
  asInPipeline,
} from '@tricks/conformance'
import { createRandom, type Random } from '@tricks/core'
import { uniformsAt } from '@tricks/core/augmentation'
import { describe, expect, test } from 'vitest'
import {
  applyRandomErasing,
  type ErasingParams,
  randomErasing,
  randomErasingBatch,
  type RandomFill,
} from '../src/index.ts'
import fixture from './fixtures/random-erasing.json' with { type: 'json' }

const cases = fixture.cases.filter((each) => each.inputs !== undefined)
const distribution = fixture.cases.find(({ kind }) => kind === 'distribution')!

/** The values of a random fill, box after box. */
function valuesOf({ boxes, fill }: ErasingParams): number[] {
  if (Array.isArray(fill)) return fill as number[]
  const { positions } = fill as RandomFill
  return boxes.flatMap((box, i) =>
    box ? [...uniformsAt(positions.subarray(6 * i, 6 * i + 6), 3 * box[2] * box[3])] : [],
  )
}

onEachBackend(() => {
  test("random values are the host's, one per channel of each erased pixel", () => {
    const params = drawn({ probability: 0.8 }, { batch: 20 })
    const { boxes } = params
    const images = tf.fill<tf.Rank.R4>([20, 32, 32, 3], 2)
    const erased = applyRandomErasing(images, params)
    const given = applyRandomErasing(images, { boxes, fill: valuesOf(params) })
    expectClose(erased, given, { absolute: 0, relative: 0 })
    const pixels = boxes.reduce((sum, box) => sum + (box ? box[2] * box[3] : 0), 0)
    expect([...erased.dataSync()].filter((value) => value < 1)).toHaveLength(3 * pixels)
  })

  test.each(cases)("matches the paper's code: $params.boxes", ({ inputs, params, expected }) => {
    const images = fromFixture(inputs.images) as tf.Tensor4D
    const erased = applyRandomErasing(images, params as unknown as ErasingParams)
    expectClose(erased, expected.images, { absolute: 0, relative: 0 })
  })

  test('a box shows a value, a colour or per-pixel values, and all other pixels stay bit-equal', () => {
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

/** Counts the uniform numbers that each image draws. */
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
  test("sizes of rectangles and numbers of attempts match the paper's code", () => {
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
    // One number decides whether to erase; each attempt takes two.
    const share = counts.filter((count) => count === 3).length / samples!
    expect(Math.abs(share - firstTry!)).toBeLessThan(error(Math.sqrt(firstTry! * (1 - firstTry!))))
  })

  test('rectangles are smaller than the image and anywhere in it', () => {
    const { boxes } = drawn({ probability: 1, fill: 0 }, { batch: 4000 })
    expect(Math.max(...boxes.map((box) => box![2]))).toBe(31)
    expect(boxes.every((box) => box![2] < 32 && box![3] < 32)).toBe(true)
    expect(Math.min(...boxes.map((box) => box![0]))).toBe(0)
    expect(boxes.some((box) => box![0] + box![2] === 32)).toBe(true)
    expect(boxes.some((box) => box![1] + box![3] === 32)).toBe(true)
  })

  test('log-uniform aspect ratios are flat and tall equally often, uniform ones mostly tall', () => {
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

  test('after 100 attempts an image is unchanged', () => {
    const counts: number[] = []
    const random = counting(createRandom(1), counts)
    // A square as large as the image is impossible, as rectangles are smaller.
    const options = { probability: 1, area: [1, 1], ratio: 1, fill: 0 } as const
    expect(drawn(options, { batch: 3, random })).toBeUndefined()
    expect(counts).toEqual([201, 201, 201])
  })

  test('erases images with the given probability', () => {
    for (const probability of [0.25, 0.5]) {
      const { boxes } = drawn({ probability, fill: 0 }, { batch: 4000 })
      const share = boxes.filter((box) => box !== null).length / 4000
      expect(Math.abs(share - probability)).toBeLessThan(
        3 * Math.sqrt((probability * (1 - probability)) / 4000),
      )
    }
    expect(drawn({ probability: 0 })).toBeUndefined()
  })

  test('random values are uniform, one per channel of each erased pixel; other fills are constant', () => {
    const values = valuesOf(drawn({}))
    const mean = values.reduce((sum, value) => sum + value) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    expect(mean).toBeCloseTo(0.5, 2)
    expect(variance).toBeCloseTo(1 / 12, 2)
    expect(drawn({ fill: 'mean' }).fill).toEqual(shape.mean)
    expect(drawn({ fill: [0, 0.5, 1] }).fill).toEqual([0, 0.5, 1])
  })
})

test('resolves options with defaults', () => {
  expect(randomErasing().options).toEqual({
    probability: 0.5,
    area: [0.02, 0.4],
    ratio: 0.3,
    aspect: 'uniform',
    fill: 'random',
  })
  expect(
    randomErasing({
      probability: 1,
      area: [1, 1],
      ratio: 1,
      aspect: 'log-uniform',
      fill: [0, 1, 0],
    }).options,
  ).toEqual({ probability: 1, area: [1, 1], ratio: 1, aspect: 'log-uniform', fill: [0, 1, 0] })
})

asInPipeline(randomErasing, randomErasingBatch, { probability: 0.9 })

test('describes its draws', () => {
  const { describe: words } = randomErasing().images!
  const params: ErasingParams = { boxes: [[3, 4, 5, 6], null], fill: 0 }
  expect([0, 1].map((image) => words!(params, image))).toEqual(['erase 5×6, at 3, 4', ''])
})

test('rejects a colour with other channels than the images, when a run starts and at every step', () => {
  const message =
    'random-erasing: expected fill to be one value, or 1, one per channel, got [0,0.5,1]'
  const trick = randomErasing({ probability: 0, fill: [0, 0.5, 1] })
  expect(() => trick.start!({ data: { channels: 1 } } as never)).toThrow(message)
  expect(() => trick.start!({ data: { channels: 3 } } as never)).not.toThrow()
  expect(() =>
    trick.images!.draw(createRandom(1), { ...shape, batch: 1, channels: 1 }, time),
  ).toThrow(message)
  const one = randomErasing({ probability: 1, fill: [0.5] })
  expect(() => one.start!({ data: { channels: 4 } } as never)).not.toThrow()
})

test('rejects invalid options and mismatched shapes', () => {
  const images = tf.zeros<tf.Rank.R4>([2, 4, 5, 3])
  expect(() => applyRandomErasing(images, { boxes: [null], fill: 0 })).toThrow(
    'random-erasing: expected boxes to be 2 boxes [row, column, height, width] in 4×5, or null, got [null]',
  )
  expect(() => applyRandomErasing(images, { boxes: [null, [3, 0, 2, 2]], fill: 0 })).toThrow(
    'got [null,[3,0,2,2]]',
  )
  expect(() => applyRandomErasing(images, { boxes: [null, [0, 0, 2, 2]], fill: [0, 0] })).toThrow(
    'random-erasing: expected fill to be one finite value, 3, one per channel, or 12, as many as are erased, got 2 values',
  )
  for (const box of [
    [-1, 0, 2, 2],
    [0, -1, 2, 2],
    [0.5, 0, 2, 2],
    [0, 0, 2, 1.5],
    [3, 0, 2, 2],
    [0, 4, 2, 2],
  ])
    expect(() =>
      applyRandomErasing(images, { boxes: [[0, 0, 4, 5], box as unknown as Box], fill: 0 }),
    ).toThrow('random-erasing: expected boxes to be 2 boxes')
  expect(() => randomErasing({ probability: 2 })).toThrow(
    'random-erasing: expected probability to be a number in [0, 1], got 2',
  )
  expect(() => applyRandomErasing(images, { boxes: [null, [3, 0, -2, 2]], fill: 0 })).toThrow(
    'got [null,[3,0,-2,2]]',
  )
  expect(() => applyRandomErasing(images, { boxes: [null, [0, 0, 2, 2]], fill: NaN })).toThrow(
    'random-erasing: expected fill to be one finite value, 3, one per channel, or 12',
  )
})

type Box = readonly [row: number, column: number, height: number, width: number]
/** The probability of each size in images of 32×24, by the paper's code on a fine grid of areas and aspect ratios. */
function sizes(shapeAt: (share: number) => number): Record<string, number> {
  const probabilities: Record<string, number> = {}
  let accepted = 0
  for (let i = 0; i < 1000; i++)
    for (let j = 0; j < 1000; j++) {
      const target = (0.02 + (0.38 * (i + 0.5)) / 1000) * 32 * 24
      const aspect = shapeAt((j + 0.5) / 1000)
      const [height, width] = [
        Math.round(Math.sqrt(target * aspect)),
        Math.round(Math.sqrt(target / aspect)),
      ]
      if (height >= 32 || width >= 24) continue
      accepted++
      probabilities[`${height}×${width}`] = (probabilities[`${height}×${width}`] ?? 0) + 1
    }
  return Object.fromEntries(
    Object.entries(probabilities).map(([size, count]) => [size, count / accepted]),
  )
}
const erased = (
  probability: number,
  probabilities: Record<string, number>,
): ConformanceOptions => ({
  distribution(draws: readonly (ErasingParams | undefined)[]) {
    const boxes = draws.flatMap((params) => params?.boxes ?? Array<null>(8).fill(null))
    expectFrequencies(
      { erased: boxes.map((box) => box !== null) },
      { true: probability, false: 1 - probability },
    )
    const some = boxes.filter((box) => box !== null)
    expectFrequencies(
      { sizes: some.map(([, , height, width]) => `${height}×${width}`) },
      probabilities,
    )
    // A position drawn uniformly from the remaining ones, plus a number in [0, 1), is uniform.
    const noise = createRandom(9).images(some.length, (image) => image.uniform())
    const [rows, columns] = [
      some.map(([row, , height], i) => (row + noise[i]!) / (33 - height)),
      some.map(([, column, , width], i) => (column + noise[i]!) / (25 - width)),
    ]
    expectUniform({ rows }, 0, 1)
    expectUniform({ columns }, 0, 1)
    const areas = some.map(([, , height, width]) => height * width)
    const [quarterOfRows, quarterOfColumns] = [rows, columns].map((all) =>
      all.map((place) => Math.floor(4 * place)),
    )
    expectIndependent({ areas, rows: quarterOfRows! })
    expectIndependent({ areas, columns: quarterOfColumns! })
  },
})
const changed =
  (change: (box: Box, i: number) => Box | null) =>
  (params: ErasingParams): ErasingParams => ({
    ...params,
    boxes: params.boxes.map((box, i) => box && change(box, i)),
  })
const uniformShapes = sizes((share) => 0.3 + share * (1 / 0.3 - 0.3))
conformance(() => randomErasing(), {
  distribution(draws: readonly (ErasingParams | undefined)[], given) {
    erased(0.5, uniformShapes).distribution!(draws as never[], given)
    const values = draws.slice(0, 50).flatMap((params) => (params ? valuesOf(params) : []))
    expectUniform({ values }, 0, 1)
  },
  shifted: {
    'a value per box': ({ boxes }: ErasingParams) => ({
      boxes,
      fill: boxes.flatMap((box, i) =>
        box ? Array<number>(box[2] * box[3] * 3).fill(createRandom(i).uniform()) : [],
      ),
    }),
    'values in [-0.5, 0.5]': (params: ErasingParams) => ({
      ...params,
      fill: valuesOf(params).map((value) => value - 0.5),
    }),
  },
  invalid: [
    () => randomErasing({ probability: NaN }),
    () => randomErasing({ area: [0.4, 0.02] }),
    () => randomErasing({ area: [0, 0.4] }),
    () => randomErasing({ ratio: 0 }),
    () => randomErasing({ aspect: 'square' as 'uniform' }),
    () => randomErasing({ fill: 255 }),
    () => randomErasing({ fill: [] }),
    () => randomErasing({ fill: [0.5, 2] }),
    () => randomErasing({ area: [0.1, 2] }),
    () => randomErasing({ area: [0.1] as unknown as [number, number] }),
    () => randomErasing({ ratio: 1.5 }),
    () => randomErasing({ fill: [0, '1'] as never }),
    () => randomErasing({ fill: null as never }),
    () => randomErasing({ ratio: '0.3' as never }),
    () => randomErasing({ area: [0.1] as never }),
    () => randomErasing({ area: ['0.1', '0.2'] as never }),
    () => randomErasing({ areas: [0.1, 0.2] } as never),
  ],
})
conformance(() => randomErasing({ probability: 0.8, fill: 'mean' }), {
  ...erased(0.8, uniformShapes),
  shifted: {
    'one pixel down': changed(([row, column, height, width]) => [row + 1, column, height, width]),
    'one pixel wider': changed(([row, column, height, width]) => [
      row,
      Math.min(column, 23 - width),
      height,
      width + 1,
    ]),
    'swapped heights and widths': changed(([row, column, height, width]) =>
      width < 32 && height < 24
        ? [Math.min(row, 32 - width), Math.min(column, 24 - height), width, height]
        : [row, column, height, width],
    ),
    'in the upper half more often': changed(([row, column, height, width], i) => [
      i === 0 ? Math.floor(row / 2) : row,
      column,
      height,
      width,
    ]),
    'one of eight missing': changed((box, i) => (i === 3 ? null : box)),
  },
})
conformance(() => randomErasing({ aspect: 'log-uniform', fill: 0, key: 'log' }), {
  ...erased(
    0.5,
    sizes((share) => 0.3 ** (1 - 2 * share)),
  ),
})
