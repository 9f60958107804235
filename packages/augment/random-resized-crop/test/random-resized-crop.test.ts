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
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import {
  applyRandomResizedCrop,
  randomResizedCrop,
  randomResizedCropBatch,
  type ResizedCropParams,
} from '../src/index.ts'
import fixture from './fixtures/random-resized-crop.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)(
    'matches torchvision: $params.boxes to $params.size',
    ({ inputs, params, expected }) => {
      const images = fromFixture(inputs.images) as tf.Tensor4D
      const cropped = applyRandomResizedCrop(images, params as unknown as ResizedCropParams)
      expectClose(cropped, expected.images)
    },
  )

  test('a window of the output size is copied exactly', () => {
    const images = tf.randomUniform<tf.Rank.R4>([1, 5, 6, 3], 0, 1, 'float32', 1)
    const cropped = applyRandomResizedCrop(images, { boxes: [[1, 2, 3, 4]], size: [3, 4] })
    expectClose(cropped, tf.slice(images, [0, 1, 2, 0], [1, 3, 4, 3]), { absolute: 0, relative: 0 })
  })
})

const time = { step: 0, stepsPerEpoch: 10, steps: 100 }
const drawn = (
  options: Parameters<typeof randomResizedCrop>[0],
  [height, width]: readonly [number, number] = [200, 200],
): ResizedCropParams => {
  const shape = { batch: 4000, height, width, channels: 3, classes: 10, mean: [0, 0, 0] }
  return randomResizedCrop(options).images!.draw(createRandom(1), shape, time) as ResizedCropParams
}
/** χ² of ten equal bins against the uniform distribution on [low, high). */
function chiSquared(values: readonly number[], low: number, high: number): number {
  // Rounding to whole pixels moves some slightly out of the range.
  const bins = values.map((value) => Math.floor(((value - low) / (high - low)) * 10))
  expect(bins.every((bin) => bin >= -1 && bin <= 10)).toBe(true)
  const counts = Array.from(
    { length: 10 },
    (_, i) => bins.filter((bin) => Math.min(9, Math.max(0, bin)) === i).length,
  )
  return counts.reduce((sum, n) => sum + (n - values.length / 10) ** 2 / (values.length / 10), 0)
}
// The 0.999 quantile with 9 degrees of freedom.
const quantile = 27.88

describe('draws', () => {
  test('areas are uniform and aspect ratios log-uniform if all windows fit', () => {
    const { boxes } = drawn({ area: [0.1, 0.5] })
    const areas = boxes.map(([, , height, width]) => (height * width) / 40_000)
    expect(chiSquared(areas, 0.1, 0.5)).toBeLessThan(quantile)
    const shapes = boxes.map(([, , height, width]) => Math.log(width / height))
    expect(chiSquared(shapes, Math.log(3 / 4), Math.log(4 / 3))).toBeLessThan(quantile)
  })

  test('windows are anywhere inside', () => {
    const { boxes, size } = drawn({}, [32, 24])
    expect(boxes.every(([row, , height]) => row >= 0 && row + height <= 32)).toBe(true)
    expect(boxes.every(([, column, , width]) => column >= 0 && column + width <= 24)).toBe(true)
    const small = drawn({ area: [0.04, 0.04], ratio: [1, 1] }, [100, 50]).boxes
    expect(small.every(([, , height, width]) => height === 14 && width === 14)).toBe(true)
    const rows = small.map(([row]) => row)
    expect([Math.min(...rows), Math.max(...rows)]).toEqual([0, 86])
    expect(chiSquared(rows, 0, 87)).toBeLessThan(quantile)
    expect(size).toEqual([32, 24])
    expect(drawn({ size: [8, 9] }).size).toEqual([8, 9])
  })

  test('if no window fits, takes the largest centred one with the nearest aspect ratio', () => {
    const boxes = (height: number, width: number): Set<string> =>
      new Set(drawn({ area: [1, 1] }, [height, width]).boxes.map(String))
    expect(boxes(30, 100)).toEqual(new Set(['0,30,30,40']))
    expect(boxes(100, 30)).toEqual(new Set(['30,0,40,30']))
  })

  test.each([
    [0.01, 1, '0,0,4,4'],
    [0.1, 0.1, '0,1,4,1'],
    [0.1, 10, '1,0,1,4'],
  ])('a window has at least one pixel: area %d, aspect ratio %d', (share, aspect, box) => {
    const { boxes } = drawn({ area: [share, share], ratio: [aspect, aspect] }, [4, 4])
    expect(new Set(boxes.map(String))).toEqual(new Set([box]))
  })
})

test('resolves options with defaults', () => {
  expect(randomResizedCrop().options).toEqual({ area: [0.08, 1], ratio: [3 / 4, 4 / 3] })
  expect(randomResizedCrop({ size: [6, 7], area: [1, 1], ratio: [1, 1] }).options).toEqual({
    size: [6, 7],
    area: [1, 1],
    ratio: [1, 1],
  })
})

asInPipeline(randomResizedCrop, randomResizedCropBatch, { size: [6, 5], area: [0.2, 0.5] })

test('describes its draws', () => {
  const { describe: words } = randomResizedCrop().images!
  const params: ResizedCropParams = { boxes: [[3, 4, 16, 24]], size: [32, 32] }
  expect(words!(params, 0)).toBe('16×24, at 3, 4')
})

test('rejects invalid options and mismatched shapes', () => {
  const images = tf.zeros<tf.Rank.R4>([2, 4, 5, 3])
  expect(() => applyRandomResizedCrop(images, { boxes: [[0, 0, 4, 5]], size: [4, 4] })).toThrow(
    'random-resized-crop: expected boxes to be 2 windows [row, column, height, width] in 4×5, got [[0,0,4,5]]',
  )
  for (const box of [
    [-1, 0, 2, 2],
    [0, -1, 2, 2],
    [0, 0, 0, 2],
    [0, 0, 2, 0],
    [0.5, 0, 2, 2],
    [0, 0, 2, 1.5],
    [3, 0, 2, 2],
    [0, 4, 2, 2],
  ])
    expect(() =>
      applyRandomResizedCrop(images, {
        boxes: [[0, 0, 4, 5], box as unknown as Box],
        size: [4, 4],
      }),
    ).toThrow('random-resized-crop: expected boxes to be 2 windows')
  expect(() => randomResizedCrop({ area: [0, 1] })).toThrow(
    'random-resized-crop: expected area to be a pair [low, high], low ≤ high, each a number in (0, 1], got [0,1]',
  )
  const boxes = [
    [0, 0, 4, 5],
    [0, 0, 4, 5],
  ] as const
  for (const size of [[0, 4], [4], [4, 5000], ['4', '4'], [4, NaN]] as never[])
    expect(() => applyRandomResizedCrop(images, { boxes, size })).toThrow(
      'random-resized-crop: expected size to be a pair of integers in [1, 4096], got',
    )
})

/** The probability of each size in images of 32×24, by torchvision's code on a fine grid of areas and aspect ratios. */
function sizes(): Record<string, number> {
  const probabilities: Record<string, number> = {}
  let accepted = 0
  for (let i = 0; i < 1000; i++)
    for (let j = 0; j < 1000; j++) {
      const target = (0.08 + (0.92 * (i + 0.5)) / 1000) * 32 * 24
      const aspect = (3 / 4) ** (1 - (2 * (j + 0.5)) / 1000)
      const width = Math.round(Math.sqrt(target * aspect))
      const height = Math.round(Math.sqrt(target / aspect))
      if (height > 32 || width > 24) continue
      accepted++
      probabilities[`${height}×${width}`] = (probabilities[`${height}×${width}`] ?? 0) + 1
    }
  // After ten attempts, the largest window of the nearest aspect ratio, 3 : 4 here as in the image.
  const none = (1 - accepted / 1e6) ** 10
  for (const size of Object.keys(probabilities)) probabilities[size]! *= (1 - none) / accepted
  probabilities['32×24'] = (probabilities['32×24'] ?? 0) + none
  return probabilities
}
const probabilities = sizes()
type Box = readonly [row: number, column: number, height: number, width: number]
const changed =
  (change: (box: Box, i: number) => Box) =>
  ({ boxes, size }: ResizedCropParams): ResizedCropParams => ({ size, boxes: boxes.map(change) })
conformance(() => randomResizedCrop(), {
  distribution(draws: readonly ResizedCropParams[]) {
    const boxes = draws.flatMap((params) => params.boxes)
    expectFrequencies(
      { sizes: boxes.map(([, , height, width]) => `${height}×${width}`) },
      probabilities,
    )
    // A position drawn uniformly from the remaining ones, plus a number in [0, 1), is uniform.
    const noise = createRandom(9).images(boxes.length, (image) => image.uniform())
    const rows = boxes.map(([row, , height], i) => (row + noise[i]!) / (33 - height))
    const columns = boxes.map(([, column, , width], i) => (column + noise[i]!) / (25 - width))
    expectUniform({ rows }, 0, 1)
    expectUniform({ columns }, 0, 1)
    const areas = boxes.map(([, , height, width]) => height * width)
    for (const [axis, positions] of Object.entries({ rows, columns }))
      expectIndependent({ areas, [axis]: positions })
  },
  shifted: {
    'one pixel down': changed(([row, column, height, width]) => [row + 1, column, height, width]),
    'one pixel wider': changed(([row, column, height, width]) => [
      row,
      Math.min(column, Math.max(0, 23 - width)),
      height,
      Math.min(24, width + 1),
    ]),
    square: changed(([row, column, height, width]) => {
      const side = Math.min(height, width)
      return [row, column, side, side]
    }),
    'in the middle of one image in eight': changed(([row, column, height, width], i) =>
      i === 5
        ? [Math.floor((32 - height) / 2), Math.floor((24 - width) / 2), height, width]
        : [row, column, height, width],
    ),
  },
  invalid: [
    () => randomResizedCrop({ size: [0, 4] }),
    () => randomResizedCrop({ size: [4, 5000] }),
    () => randomResizedCrop({ size: [4, 4, 4] as unknown as [number, number] }),
    () => randomResizedCrop({ area: ['0.1', 1] as unknown as [number, number] }),
    () => randomResizedCrop({ area: [0.5, 0.2] }),
    () => randomResizedCrop({ area: [0.5, 2] }),
    () => randomResizedCrop({ ratio: [0, 1] }),
    () => randomResizedCrop({ ratio: [1, Infinity] }),
    () => randomResizedCrop({ size: [4, 4, 3] as never }),
    () => randomResizedCrop({ size: ['4', 4] as never }),
    () => randomResizedCrop({ size: null as never }),
    () => randomResizedCrop({ area: 0.5 as never }),
    () => randomResizedCrop({ ratio: ['1', '2'] as never }),
    () => randomResizedCrop({ scale: [0.1, 1] } as never),
  ],
})
conformance(() => randomResizedCrop({ size: [6, 7], ratio: [1, 1], key: 'smaller' }), {
  distribution(draws: readonly ResizedCropParams[]) {
    // The side is the root of a uniform area, or 24 after ten areas that are too large.
    const sides = draws.flatMap(({ boxes }) => boxes.map(([, , height]) => height))
    const below = (side: number): number => (side ** 2 / (32 * 24) - 0.08) / 0.92
    const fits = below(24.5)
    const none = (1 - fits) ** 10
    const share = (side: number): number => {
      const own = Math.max(0, below(side + 0.5)) - Math.max(0, below(side - 0.5))
      return (own / fits) * (1 - none) + (side === 24 ? none : 0)
    }
    const all = Array.from({ length: 25 }, (_, side) => [side, share(side)])
    expectFrequencies({ sides }, Object.fromEntries(all) as Record<string, number>)
    expect(draws.every(({ boxes }) => boxes.every(([, , height, width]) => height === width))).toBe(
      true,
    )
  },
  shifted: {
    'one pixel larger': changed(([row, column, height, width]) => [
      row,
      column,
      height + 1,
      width + 1,
    ]),
  },
})
