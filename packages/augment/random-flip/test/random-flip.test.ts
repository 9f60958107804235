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
import { compose, createRandom } from '@tricks/core'
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

describe('alternating draws', () => {
  const stepsPerEpoch = 3
  /** The flips of the images with the given indices, for a list of tricks under a seed. */
  const flipsOf = (
    indices: readonly number[],
    epoch: number,
    { probability = 0.5, seed = 1, step = 0 } = {},
  ): readonly boolean[] => {
    const pipeline = compose([randomFlip({ alternate: true, probability })], {
      seed,
      stepsPerEpoch,
    })
    const size = { batch: indices.length, height: 8, width: 8, channels: 3, classes: 10 }
    const { images } = pipeline.draw({ ...size, indices }, epoch * stepsPerEpoch + step)
    return (images['random-flip'] as FlipParams).flips
  }
  const all = Array.from({ length: 2000 }, (_, i) => i)
  const first = flipsOf(all, 0)

  test('are opposite in successive epochs', () => {
    for (const epoch of [1, 2, 3, 10, 11])
      expect(flipsOf(all, epoch)).toEqual(first.map((flip) => flip !== (epoch % 2 === 1)))
  })

  test('follow an image through any order and batch', () => {
    const shuffled = createRandom(2).permutation(2000)
    expect(flipsOf([...shuffled], 2, { step: 1 })).toEqual(
      Array.from(shuffled, (index) => first[index]),
    )
    expect(flipsOf([7, 7, 3], 1, { step: 2 })).toEqual([!first[7], !first[7], !first[3]])
  })

  test('depend on the seed, and have the probability in the first epoch', () => {
    expect(flipsOf(all, 0, { seed: 2 })).not.toEqual(first)
    for (const probability of [0, 0.25, 1]) {
      const share = flipsOf(all, 0, { probability }).filter(Boolean).length / 2000
      const deviation = Math.sqrt((probability * (1 - probability)) / 2000)
      expect(Math.abs(share - probability)).toBeLessThanOrEqual(3 * deviation)
    }
  })

  test('need the indices of the images and the length of an epoch', () => {
    const images = tf.zeros<tf.Rank.R4>([2, 3, 3, 1])
    const flip = () => randomFlip({ alternate: true })
    expect(() => compose([flip()], { stepsPerEpoch }).batch(images, tf.eye(2), 0)).toThrow(
      'random-flip: expected indices to be 2 indices in the data set, as alternate is true, got none',
    )
    expect(() => flip().images!.draw(createRandom(1), { ...shape, indices: [1] }, time)).toThrow(
      'expected indices to be 4000 indices in the data set, as alternate is true, got 1',
    )
    const size = { batch: 2, height: 3, width: 3, channels: 1, classes: 2, indices: [0, 1] }
    expect(() => compose([flip()]).draw(size, 0)).toThrow('needs stepsPerEpoch')
  })
})

test('resolves options with defaults', () => {
  const defaults = { probability: 0.5, direction: 'horizontal', alternate: false }
  expect(randomFlip().options).toEqual(defaults)
  expect(randomFlip({ probability: 1, direction: 'vertical', alternate: true }).options).toEqual({
    probability: 1,
    direction: 'vertical',
    alternate: true,
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
    () => randomFlip({ alternate: 1 as never }),
  ],
})
conformance(
  () => randomFlip({ probability: 0.9, direction: 'vertical', key: 'over' }),
  flipped(0.9),
)
// A certain flip makes a draw too, which is ignored.
conformance(() => randomFlip({ probability: 1, direction: 'vertical' }), flipped(1))
// Each image of the kit's epochs of 400 steps is drawn once, and then alternates.
conformance(() => randomFlip({ probability: 0.7, alternate: true }), {
  distribution(draws: readonly FlipParams[]) {
    const epochs = Array.from({ length: 10 }, (_, epoch) =>
      draws.slice(epoch * 400, (epoch + 1) * 400).flatMap(({ flips }) => flips),
    )
    expectFrequencies({ flips: epochs[0]! }, { true: 0.7, false: 0.3 })
    epochs.forEach((flips, epoch) =>
      expect(flips).toEqual(epochs[0]!.map((flip) => flip !== (epoch % 2 === 1))),
    )
  },
  shifted: {
    'not alternating': ({ flips }: FlipParams, step) => ({
      flips: flips.map((flip) => flip !== (Math.floor(step / 400) % 2 === 1)),
    }),
  },
})
