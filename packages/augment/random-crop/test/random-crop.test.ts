import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
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
import { applyRandomCrop, type CropParams, randomCrop, randomCropBatch } from '../src/index.ts'
import fixture from './fixtures/random-crop.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)(
    'matches torchvision: $params.mode, $inputs.images.shape',
    ({ inputs, params, expected }) => {
      const cropped = applyRandomCrop(
        fromFixture(inputs.images) as tf.Tensor4D,
        params as unknown as CropParams,
      )
      expectClose(cropped, expected.images, { absolute: 0, relative: 0 })
    },
  )

  test('edge padding repeats the border', () => {
    const row = tf.tensor4d([1, 2, 3], [1, 1, 3, 1])
    const at = (left: number): number[] => [
      ...applyRandomCrop(row, { offsets: [[1, left]], padding: 2, mode: 'edge' }).dataSync(),
    ]
    expect([0, 1, 2, 3, 4].map(at)).toEqual([
      [1, 1, 1],
      [1, 1, 2],
      [1, 2, 3],
      [2, 3, 3],
      [3, 3, 3],
    ])
  })
})

const shape = { batch: 4000, height: 32, width: 32, channels: 3, classes: 10, mean: [0, 0, 0] }
const time = { step: 0, stepsPerEpoch: 10, steps: 100 }

describe('draws', () => {
  test('are uniform from 0 to 2 · padding', () => {
    const { offsets } = randomCrop({ padding: 2 }).images!.draw(
      createRandom(1),
      shape,
      time,
    ) as CropParams
    for (const axis of [0, 1] as const) {
      const counts = [0, 1, 2, 3, 4].map(
        (value) => offsets.filter((offset) => offset[axis] === value).length,
      )
      expect(counts.reduce((a, b) => a + b)).toBe(4000)
      const chiSquared = counts.reduce((sum, n) => sum + (n - 800) ** 2 / 800, 0)
      // The 0.999 quantile with 4 degrees of freedom.
      expect(chiSquared).toBeLessThan(18.47)
    }
  })
})

test('resolves options with defaults', () => {
  expect(randomCrop().options).toEqual({ padding: 4, mode: 'constant' })
  expect(randomCrop({ padding: 2, mode: 'edge' }).options).toEqual({ padding: 2, mode: 'edge' })
})

asInPipeline(randomCrop, randomCropBatch, { padding: 2, mode: 'reflect' })

test('describes its draws', () => {
  const { describe: words } = randomCrop().images!
  const params: CropParams = {
    offsets: [
      [0, 6],
      [4, 4],
    ],
    padding: 4,
    mode: 'edge',
  }
  expect([0, 1].map((image) => words!(params, image))).toEqual(['crop −4 +2', 'crop 0 0'])
})

test('rejects reflected padding as large as the image when a run starts', () => {
  const start = (mode: CropParams['mode'], height: number, width: number): unknown =>
    randomCrop({ padding: 4, mode }).start!({ data: { height, width } } as never)
  expect(() => start('reflect', 4, 9)).toThrow(
    "random-crop: expected padding to be less than the image's 4×9 to mirror it, got 4",
  )
  expect(() => start('reflect', 9, 4)).toThrow(RangeError)
  expect(() => start('reflect', 5, 5)).not.toThrow()
  expect(() => start('edge', 1, 1)).not.toThrow()
})

test('rejects invalid options and mismatched shapes', () => {
  const images = tf.zeros<tf.Rank.R4>([2, 3, 3, 1])
  const params = { padding: 1, mode: 'constant' } as const
  expect(() => applyRandomCrop(images, { ...params, offsets: [[0, 0]] })).toThrow(
    'random-crop: expected offsets to be 2 pairs of integers in [0, 2], got [[0,0]]',
  )
  expect(() =>
    applyRandomCrop(images, {
      ...params,
      offsets: [
        [0, 0],
        [3, 0],
      ],
    }),
  ).toThrow('in [0, 2]')
  expect(() =>
    applyRandomCrop(images, {
      offsets: [
        [0, 0],
        [0, 0],
      ],
      padding: 3,
      mode: 'reflect',
    }),
  ).toThrow("random-crop: expected padding to be less than the image's 3×3 to mirror it, got 3")
  for (const wrong of [[0.5, 0], [-1, 0], [0], [0, 0, 0], [0, 3], [NaN, 0]])
    expect(() =>
      applyRandomCrop(images, { ...params, offsets: [[2, 2], wrong as [number, number]] }),
    ).toThrow('random-crop: expected offsets to be 2 pairs of integers in [0, 2]')
  // Padding as large as the image's shorter side cannot be reflected.
  expect(() =>
    applyRandomCrop(tf.zeros([1, 3, 5, 1]), { offsets: [[0, 0]], padding: 3, mode: 'reflect' }),
  ).toThrow("expected padding to be less than the image's 3×5 to mirror it, got 3")
  expect(() =>
    applyRandomCrop(tf.zeros([1, 5, 3, 1]), { offsets: [[0, 0]], padding: 2, mode: 'reflect' }),
  ).not.toThrow()
  expect(() => randomCrop({ padding: 0 })).toThrow(
    'random-crop: expected padding to be an integer in [1, 1048576], got 0',
  )
  const offsets = [
    [0, 0],
    [0, 0],
  ] as const
  expect(() => applyRandomCrop(images, { offsets, padding: 1, mode: 'zero' as 'edge' })).toThrow(
    "random-crop: expected mode to be 'constant', 'reflect' or 'edge', got zero",
  )
})

conformance(() => randomCrop({ padding: 2 }), {
  distribution(draws: readonly CropParams[]) {
    const offsets = draws.flatMap((params) => params.offsets)
    const [rows, columns] = [offsets.map(([row]) => row), offsets.map(([, column]) => column)]
    expectFrequencies({ rows }, evenly(0, 5))
    expectFrequencies({ columns }, evenly(0, 5))
    expectIndependent({ rows, columns })
  },
  shifted: {
    'one pixel down': ({ offsets, ...others }: CropParams) => ({
      ...others,
      offsets: offsets.map(([row, column]) => [row + 1, column]),
    }),
    'never at the right border': ({ offsets, ...others }: CropParams) => ({
      ...others,
      offsets: offsets.map(([row, column]) => [row, Math.min(column, 3)]),
    }),
    'along the diagonal': ({ offsets, ...others }: CropParams) => ({
      ...others,
      offsets: offsets.map(([row]) => [row, row]),
    }),
  },
  invalid: [
    () => randomCrop({ padding: -4 }),
    () => randomCrop({ padding: 1.5 }),
    () => randomCrop({ mode: 'zero' as 'edge' }),
    () => randomCrop({ padding: '4' as never }),
    () => randomCrop({ padding: NaN }),
    () => randomCrop({ padding: null as never }),
    () => randomCrop({ pading: 4 } as never),
  ],
})
