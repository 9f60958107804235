import * as tf from '@tensorflow/tfjs-core'
import {
  asInPipeline,
  conformance,
  expectClose,
  type Fixtures,
  type FixturesOf,
  fromFixtures,
  onEachBackend,
} from '@tricks/conformance'
import { compose, createRandom, type Time } from '@tricks/core'
import { cutmix } from '@tricks/cutmix'
import { expect, test } from 'vitest'
import {
  applyProgressiveResizing,
  type ImageSize,
  progressiveResizing,
  progressiveResizingBatch,
  type ProgressiveResizingOptions,
} from '../src/index.ts'
import fixture from './fixtures/progressive-resizing.json' with { type: 'json' }

interface Inputs {
  readonly images: tf.Tensor4D
}
interface Case {
  readonly inputs: FixturesOf<Inputs>
  readonly params: ImageSize
  readonly expected: Fixtures
}
const cases = fixture.cases as unknown as readonly Case[]

onEachBackend(() => {
  test.each(cases)('matches torch: $inputs.images.shape to $params', (each) => {
    const { images } = fromFixtures<Inputs>(each.inputs)
    expectClose({ images: applyProgressiveResizing(images, each.params) }, each.expected)
  })
})

/** The drawn height at each of `steps` steps, for images of the given height; that height if nothing is drawn. */
const heights = (options: ProgressiveResizingOptions, height: number, steps: number): number[] =>
  Array.from({ length: steps }, (_, step) => {
    const time: Time = { step, stepsPerEpoch: 10, steps }
    const shape = { batch: 2, height, width: 40, channels: 3, classes: 10, mean: [0, 0, 0] }
    const drawn = progressiveResizing(options).images!.draw(createRandom(1), shape, time)
    return (drawn as ImageSize | undefined)?.height ?? height
  })

test.each<[string, ProgressiveResizingOptions, number, number[]]>([
  [
    "Composer's defaults",
    {},
    32,
    [16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 20, 20, 24, 28, 28, 32, 32, 32, 32],
  ],
  [
    'Composer with initial_scale 0.4, delay_fraction 0, finetune_fraction 0.3, size_increment 32',
    { initial: 0.4, from: { fraction: 0 }, until: { fraction: 0.7 }, multiple: 32 },
    224,
    [96, 96, 128, 160, 160, 192, 192, 224, 224, 224],
  ],
  ['one jump', { from: { steps: 2 }, until: { steps: 2 } }, 32, [16, 16, 32, 32]],
  ['an end before the start', { from: { steps: 3 }, until: { steps: 1 } }, 32, [16, 32, 32, 32]],
  ['full size throughout', { initial: 1 }, 30, [30, 30, 30, 30]],
  ['at least one multiple', { initial: 0.01, until: { steps: 9 } }, 32, [4, 4, 4, 4]],
  ['never larger than the images', { initial: 0.9, until: { steps: 9 } }, 3, [3, 3, 3, 3]],
])('sizes with %s', (_, options, height, expected) => {
  expect(heights(options, height, expected.length)).toEqual(expected)
})

test('tricks that follow draw for the smaller images', () => {
  const pipeline = compose([progressiveResizing(), cutmix({ alpha: 1 })], { seed: 1, steps: 20 })
  const images = tf.ones<tf.Rank.R4>([4, 32, 32, 3])
  const sizes = Array.from({ length: 20 }, (_, step) => {
    const batch = tf.tidy(() => pipeline.batch(images, tf.eye(4), step).images.shape)
    const { mix } = pipeline.draw(
      { batch: 4, height: 32, width: 32, channels: 3, classes: 4 },
      step,
    )
    const [row, column, height, width] = (mix['cutmix'] as { box: number[] }).box
    expect(row! + height!).toBeLessThanOrEqual(batch[1])
    expect(column! + width!).toBeLessThanOrEqual(batch[2])
    return batch[1]
  })
  expect(new Set(sizes)).toEqual(new Set([16, 20, 24, 28, 32]))
})

const growing = { from: { steps: 0 }, until: { steps: 10 } }
asInPipeline(progressiveResizing, progressiveResizingBatch, growing)

test('resolves options with defaults, and describes its draws', () => {
  expect(progressiveResizing().options).toEqual({
    initial: 0.5,
    from: { fraction: 0.5 },
    until: { fraction: 0.8 },
    multiple: 4,
  })
  const { describe } = progressiveResizing().images!
  expect(describe!({ height: 16, width: 20 }, 0)).toBe('16×20')
})

test('rejects sizes that are not positive integers', () => {
  const images = tf.zeros<tf.Rank.R4>([1, 4, 4, 3])
  for (const height of [0, 2.5, 5000, NaN, '4' as never])
    expect(() => applyProgressiveResizing(images, { height, width: 4 })).toThrow(
      'progressive-resizing: expected height to be an integer in [1, 4096], got',
    )
  expect(() => applyProgressiveResizing(images, { height: 4, width: -1 })).toThrow('expected width')
})

conformance(() => progressiveResizing({ multiple: 1, initial: 0.3, from: { fraction: 0 } }), {
  invalid: [
    () => progressiveResizing({ initial: 0 }),
    () => progressiveResizing({ initial: 1.5 }),
    () => progressiveResizing({ from: 3 as never }),
    () => progressiveResizing({ until: { fraction: 1.5 } }),
    () => progressiveResizing({ multiple: 0 }),
    () => progressiveResizing({ multiple: 2.5 }),
    () => progressiveResizing({ scale: 0.5 } as never),
  ],
})
conformance(() => progressiveResizing())
