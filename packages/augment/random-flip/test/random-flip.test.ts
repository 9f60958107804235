import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  type ConformanceOptions,
  expectClose,
  expectFrequencies,
  fromFixture,
  onEachBackend,
} from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { applyRandomFlip, type FlipParams, randomFlip } from '../src/index.ts'
import fixture from './fixtures/random-flip.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)(
    'as torchvision: $inputs.images.shape',
    ({ inputs, params, expected }) => {
      const flipped = applyRandomFlip(fromFixture(inputs.images) as tf.Tensor4D, params)
      expectClose(flipped, expected.images, { absolute: 0, relative: 0 })
    },
  )

  test('vertical turns upside down', () => {
    const images = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2, 1])
    const flipped = applyRandomFlip(images, { flips: [true, false], direction: 'vertical' })
    expect([...flipped.dataSync()]).toEqual([3, 4, 1, 2, 5, 6, 7, 8])
  })
})

const shape = { batch: 4000, height: 8, width: 8, channels: 3, classes: 10, mean: [0, 0, 0] }
const time = { step: 0, stepsPerEpoch: 10, steps: 100 }

describe('draws', () => {
  test.each([0, 0.25, 0.5, 1])('flip a share of %d', (probability) => {
    const { flips } = randomFlip({ probability }).images!.draw(
      createRandom(1),
      shape,
      time,
    ) as FlipParams
    const share = flips.filter(Boolean).length / 4000
    // Three standard deviations; none for a certain flip.
    expect(Math.abs(share - probability)).toBeLessThanOrEqual(
      3 * Math.sqrt((probability * (1 - probability)) / 4000),
    )
  })
})

test('options are those given, and the defaults', () => {
  expect(randomFlip().options).toEqual({ probability: 0.5, direction: 'horizontal' })
  expect(randomFlip({ probability: 1, direction: 'vertical' }).options).toEqual({
    probability: 1,
    direction: 'vertical',
  })
})

test('a flip is needed for each image', () => {
  expect(() => applyRandomFlip(tf.zeros([2, 3, 3, 1]), { flips: [true] })).toThrow(
    'random-flip: expected flips to be 2 booleans, one an image, got [true]',
  )
})

const flipped = (probability: number): ConformanceOptions => ({
  distribution(draws: readonly FlipParams[]) {
    const flips = draws.flatMap((params) => params.flips)
    expectFrequencies({ flips }, { true: probability, false: 1 - probability })
  },
})
conformance(() => randomFlip(), {
  ...flipped(0.5),
  shifted: {
    '0.55 in place of 0.5': ({ flips }: FlipParams, step) => ({
      flips: flips.map((flip, i) => flip || (step * 8 + i) % 10 === 0),
    }),
    'all of a batch or none': ({ flips }: FlipParams) => ({ flips: flips.map(() => flips[0]) }),
  },
  invalid: [
    () => randomFlip({ probability: 1.5 }),
    () => randomFlip({ direction: 'diagonal' as 'vertical' }),
  ],
})
conformance(
  () => randomFlip({ probability: 0.9, direction: 'vertical', key: 'over' }),
  flipped(0.9),
)
// A certain flip draws a number too, which decides nothing.
conformance(() => randomFlip({ probability: 1, direction: 'vertical' }), flipped(1))
