import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectClose,
  expectUniform,
  fromFixture,
  onEachBackend,
  asInPipeline,
} from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import {
  applyRandomRotation,
  randomRotation,
  randomRotationBatch,
  type RotationParams,
} from '../src/index.ts'
import fixture from './fixtures/random-rotation.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)(
    'matches torchvision: $params.interpolation, $inputs.images.shape',
    ({ inputs, params, expected }) => {
      const images = fromFixture(inputs.images) as tf.Tensor4D
      const turned = applyRandomRotation(images, params as RotationParams)
      const exact = params.interpolation === 'nearest' ? { absolute: 0, relative: 0 } : {}
      expectClose(turned, expected.images, exact)
    },
  )

  const square = (): tf.Tensor4D => tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1])
  test.each([
    [0, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    [90, [3, 6, 9, 2, 5, 8, 1, 4, 7]],
    [180, [9, 8, 7, 6, 5, 4, 3, 2, 1]],
    [-90, [7, 4, 1, 8, 5, 2, 9, 6, 3]],
  ])('%d degrees are counter-clockwise', (degrees, expected) => {
    for (const interpolation of ['nearest', 'bilinear'] as const)
      expectClose(
        tf.reshape(applyRandomRotation(square(), { degrees: [degrees], interpolation }), [9]),
        expected,
      )
  })

  test('corners show the fill, which bilinear blends in', () => {
    const images = tf.zeros<tf.Rank.R4>([1, 5, 5, 2])
    const corner = (interpolation: 'nearest' | 'bilinear'): number[] => {
      const params = { degrees: [45], interpolation, fill: [1, 0.5] }
      return Array.from(applyRandomRotation(images, params).dataSync().slice(0, 2))
    }
    expect(corner('nearest')).toEqual([1, 0.5])
    // The corner is 2√2 from the centre, and the border 2.
    const outside = 2 * Math.SQRT2 - 2
    expectClose(corner('bilinear'), [outside, outside / 2])
  })
})

const shape = { batch: 4000, height: 8, width: 8, channels: 3, classes: 10, mean: [0.1, 0.2, 0.3] }
const time = { step: 0, stepsPerEpoch: 10, steps: 100 }
const drawn = (options: Parameters<typeof randomRotation>[0]): RotationParams =>
  randomRotation(options).images!.draw(createRandom(1), shape, time) as RotationParams

describe('draws', () => {
  test('angles are uniform in both directions', () => {
    const degrees = Array.from(drawn({ degrees: 30 }).degrees)
    const counts = Array.from(
      { length: 10 },
      (_, i) => degrees.filter((angle) => Math.floor((angle + 30) / 6) === i).length,
    )
    expect(counts.reduce((a, b) => a + b)).toBe(4000)
    // The 0.999 quantile with 9 degrees of freedom.
    expect(counts.reduce((sum, n) => sum + (n - 400) ** 2 / 400, 0)).toBeLessThan(27.88)
  })

  test('the fill is black, or the mean if requested', () => {
    expect(drawn({}).fill).toBe(0)
    expect(drawn({ fill: 'mean' }).fill).toEqual(shape.mean)
  })
})

test('resolves options with defaults', () => {
  expect(randomRotation().options).toEqual({ degrees: 15, interpolation: 'nearest', fill: 0 })
  expect(randomRotation({ degrees: 180, interpolation: 'bilinear', fill: 'mean' }).options).toEqual(
    { degrees: 180, interpolation: 'bilinear', fill: 'mean' },
  )
})

asInPipeline(randomRotation, randomRotationBatch, { degrees: 90, interpolation: 'bilinear' })

test('describes its draws', () => {
  const { describe: words } = randomRotation().images!
  const params: RotationParams = { degrees: [12.4, -7, 0.2], interpolation: 'nearest' }
  expect([0, 1, 2].map((image) => words!(params, image))).toEqual([
    'turn +12°',
    'turn −7°',
    'turn 0°',
  ])
})

test('rejects invalid options and mismatched shapes', () => {
  const images = tf.zeros<tf.Rank.R4>([2, 3, 3, 3])
  const interpolation = 'nearest'
  expect(() => applyRandomRotation(images, { degrees: [5], interpolation })).toThrow(
    'random-rotation: expected degrees to be 2 angles, one per image, got [5]',
  )
  expect(() => applyRandomRotation(images, { degrees: [5, NaN], interpolation })).toThrow(
    'random-rotation: expected degrees to be 2 angles',
  )
  expect(() =>
    applyRandomRotation(images, { degrees: [5, 5], interpolation, fill: [0, 0] }),
  ).toThrow('one value, or 3, one per channel')
  expect(() => applyRandomRotation(images, { degrees: [5, 5], interpolation, fill: NaN })).toThrow(
    'random-rotation: expected fill to be one value, or 3, one per channel, got NaN',
  )
  expect(() => applyRandomRotation(images, { degrees: [5, NaN], interpolation })).toThrow(
    '2 angles, one per image',
  )
  const cubic = { degrees: [5, 5], interpolation: 'cubic' as 'nearest' }
  expect(() => applyRandomRotation(images, cubic)).toThrow(
    "random-rotation: expected interpolation to be 'nearest' or 'bilinear', got cubic",
  )
  expect(() => randomRotation({ degrees: 270 })).toThrow(
    'random-rotation: expected degrees to be a number in (0, 180], got 270',
  )
})

const anglesOf = (draws: readonly RotationParams[]): number[] =>
  draws.flatMap(({ degrees }) => Array.from(degrees))
const scaled =
  (factor: number) =>
  ({ degrees, ...others }: RotationParams): RotationParams => ({
    ...others,
    degrees: Array.from(degrees, (angle) => angle * factor),
  })
conformance(() => randomRotation({ degrees: 30 }), {
  distribution: (draws: readonly RotationParams[]) =>
    expectUniform({ degrees: anglesOf(draws) }, -30, 30),
  shifted: {
    'by 5 % more': scaled(1.05),
    'by 1 % less': scaled(0.99),
    'in one direction only': ({ degrees }: RotationParams) => ({
      degrees: Array.from(degrees, (angle) => Math.abs(angle)),
    }),
  },
  invalid: [
    () => randomRotation({ degrees: 0 }),
    () => randomRotation({ degrees: NaN }),
    () => randomRotation({ interpolation: 'cubic' as 'nearest' }),
    () => randomRotation({ fill: -1 }),
    () => randomRotation({ fill: '0' as never }),
    () => randomRotation({ degrees: '15' as never }),
    () => randomRotation({ interpolation: null as never }),
    () => randomRotation({ degree: 15 } as never),
  ],
})
conformance(() => randomRotation({ interpolation: 'bilinear', fill: 'mean' }), {
  distribution: (draws: readonly RotationParams[]) =>
    expectUniform({ degrees: anglesOf(draws) }, -15, 15),
})
