import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  type ConformanceOptions,
  expectClose,
  expectFrequencies,
  fromFixture,
  onEachBackend,
  asInPipeline,
} from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { applyRandomFlip, type FlipParams, randomFlip, randomFlipBatch } from '../src/index.ts'
import fixture from './fixtures/random-flip.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)(
    'matches torchvision: $inputs.images.shape',
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
  test.each([0, 0.25, 0.5, 1])('have a probability of %d', (probability) => {
    const { flips } = randomFlip({ probability }).images!.draw(
      createRandom(1),
      shape,
      time,
    ) as FlipParams
    const share = flips.filter(Boolean).length / 4000
    // Three standard deviations; zero for a certain flip.
    expect(Math.abs(share - probability)).toBeLessThanOrEqual(
      3 * Math.sqrt((probability * (1 - probability)) / 4000),
    )
  })
})

test('resolves options with defaults', () => {
  expect(randomFlip().options).toEqual({ probability: 0.5, direction: 'horizontal' })
  expect(randomFlip({ probability: 1, direction: 'vertical' }).options).toEqual({
    probability: 1,
    direction: 'vertical',
  })
})

asInPipeline(randomFlip, randomFlipBatch, { direction: 'vertical' })

test('describes its draws', () => {
  const { describe: words } = randomFlip().images!
  const params: FlipParams = { flips: [true, false] }
  expect([0, 1].map((image) => words!(params, image))).toEqual(['flip', ''])
})

test('rejects mismatched shapes and unknown directions', () => {
  expect(() => applyRandomFlip(tf.zeros([2, 3, 3, 1]), { flips: [true] })).toThrow(
    'random-flip: expected flips to be 2 booleans, one per image, got [true]',
  )
  const direction = 'diagonal' as 'vertical'
  expect(() => applyRandomFlip(tf.zeros([1, 3, 3, 1]), { flips: [true], direction })).toThrow(
    "random-flip: expected direction to be 'horizontal' or 'vertical', got diagonal",
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
    '0.55 instead of 0.5': ({ flips }: FlipParams, step) => ({
      flips: flips.map((flip, i) => flip || (step * 8 + i) % 10 === 0),
    }),
    'all of a batch or none': ({ flips }: FlipParams) => ({ flips: flips.map(() => flips[0]) }),
  },
  invalid: [
    () => randomFlip({ probability: 1.5 }),
    () => randomFlip({ direction: 'diagonal' as 'vertical' }),
    () => randomFlip({ probability: '0.5' as never }),
    () => randomFlip({ probability: NaN }),
    () => randomFlip({ direction: null as never }),
    () => randomFlip({ probabilty: 0.5 } as never),
  ],
})
conformance(
  () => randomFlip({ probability: 0.9, direction: 'vertical', key: 'over' }),
  flipped(0.9),
)
// A certain flip makes a draw too, which is ignored.
conformance(() => randomFlip({ probability: 1, direction: 'vertical' }), flipped(1))
