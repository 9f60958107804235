import * as tf from '@tensorflow/tfjs-core'
import { conformance, expectClose, fromFixture, onEachBackend } from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { applyRandomResizedCrop, randomResizedCrop, type ResizedCropParams } from '../src/index.ts'
import fixture from './fixtures/random-resized-crop.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)(
    'as torchvision: $params.boxes to $params.size',
    ({ inputs, params, expected }) => {
      const images = fromFixture(inputs.images) as tf.Tensor4D
      const cropped = applyRandomResizedCrop(images, params as unknown as ResizedCropParams)
      expectClose(cropped, expected.images)
    },
  )

  test('a window of the size that comes out is copied exactly', () => {
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
function unevenness(values: readonly number[], low: number, high: number): number {
  const counts = Array.from({ length: 10 }, () => 0)
  for (const value of values)
    counts[Math.min(9, Math.max(0, Math.floor(((value - low) / (high - low)) * 10)))]!++
  return counts.reduce((sum, n) => sum + (n - values.length / 10) ** 2 / (values.length / 10), 0)
}
// The 0.999 quantile with 9 degrees of freedom.
const quantile = 27.88

describe('draws', () => {
  test('areas are uniform, shapes are by their logarithm, where all windows fit', () => {
    const { boxes } = drawn({ area: [0.1, 0.5] })
    const areas = boxes.map(([, , height, width]) => (height * width) / 40_000)
    expect(unevenness(areas, 0.1, 0.5)).toBeLessThan(quantile)
    const shapes = boxes.map(([, , height, width]) => Math.log(width / height))
    expect(unevenness(shapes, Math.log(3 / 4), Math.log(4 / 3))).toBeLessThan(quantile)
  })

  test('windows lie anywhere inside', () => {
    const { boxes, size } = drawn({}, [32, 24])
    expect(boxes.every(([row, , height]) => row >= 0 && row + height <= 32)).toBe(true)
    expect(boxes.every(([, column, , width]) => column >= 0 && column + width <= 24)).toBe(true)
    const small = drawn({ area: [0.04, 0.04], ratio: [1, 1] }, [100, 50]).boxes
    expect(small.every(([, , height, width]) => height === 14 && width === 14)).toBe(true)
    const rows = small.map(([row]) => row)
    expect([Math.min(...rows), Math.max(...rows)]).toEqual([0, 86])
    expect(unevenness(rows, 0, 87)).toBeLessThan(quantile)
    expect(size).toEqual([32, 24])
    expect(drawn({ size: [8, 9] }).size).toEqual([8, 9])
  })

  test('where no window fits, the largest in the middle of the nearest shape is taken', () => {
    const boxes = (height: number, width: number): Set<string> =>
      new Set(drawn({ area: [1, 1] }, [height, width]).boxes.map(String))
    expect(boxes(30, 100)).toEqual(new Set(['0,30,30,40']))
    expect(boxes(100, 30)).toEqual(new Set(['30,0,40,30']))
  })
})

test('what does not fit is said', () => {
  const images = tf.zeros<tf.Rank.R4>([2, 4, 5, 3])
  expect(() => applyRandomResizedCrop(images, { boxes: [[0, 0, 4, 5]], size: [4, 4] })).toThrow(
    'random-resized-crop: expected boxes to be 2 windows [row, column, height, width] in 4×5, got [[0,0,4,5]]',
  )
  expect(() => randomResizedCrop({ area: [0, 1] })).toThrow(
    'random-resized-crop: expected area to be 0 < low ≤ high ≤ 1, got [0,1]',
  )
})

conformance(() => randomResizedCrop(), {
  invalid: [
    () => randomResizedCrop({ size: [0, 4] }),
    () => randomResizedCrop({ area: [0.5, 0.2] }),
    () => randomResizedCrop({ area: [0.5, 2] }),
    () => randomResizedCrop({ ratio: [0, 1] }),
    () => randomResizedCrop({ ratio: [1, Infinity] }),
  ],
})
conformance(() => randomResizedCrop({ size: [6, 7], key: 'smaller' }), { outputSize: () => [6, 7] })
