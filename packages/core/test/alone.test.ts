import * as tf from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { withDraws } from '../src/augmentation.ts'
import { compose, oneHot, type Trick } from '../src/index.ts'

const shift = ({ most = 0.1 }: { most?: number } = {}): Trick => ({
  name: 'shift',
  options: { most },
  images: {
    draw: (random, { batch, mean }) =>
      random.images(batch, (image) => mean[0]! + image.uniform(0, most)),
    apply: (images, params) =>
      tf.add(images, tf.tensor4d(params as number[], [images.shape[0], 1, 1, 1])),
  },
})
const swap = ({ share = 0.5 }: { share?: number } = {}): Trick => ({
  name: 'swap',
  options: { share },
  mix: {
    draw: (random) => (random.uniform() < 2 ? share : undefined),
    apply: ({ images, targets }, by) => ({
      images: tf.mul(images, by as number),
      targets: tf.mul(targets, by as number),
    }),
  },
})
const images = tf.fill<tf.Rank.R4>([3, 2, 2, 1], 0.25)
const targets = oneHot([0, 1, 1], 2)

test('draws as compose does for the same seed and step', () => {
  const shiftBatch = withDraws(shift)
  const before = tf.memory().numTensors
  const shifted = shiftBatch(images, { most: 0.5, seed: 7, step: 4 })
  expect(tf.memory().numTensors).toBe(before + 1)
  const composed = compose([shift({ most: 0.5 })], { seed: 7 }).batch(images, targets, 4)
  expect([...shifted.dataSync()]).toEqual([...composed.images.dataSync()])
  const [again, other] = [5, 4].map((step) => shiftBatch(images, { seed: 7, step }).dataSync())
  expect([...again!]).not.toEqual([...other!])
  const around = shiftBatch(images, { most: 0, seed: 1, mean: [0.5] })
  expect(around.dataSync()[0]).toBe(0.75)
})

test('takes images and targets for a trick that mixes both', () => {
  const mixed = withDraws(swap)({ images, targets }, { seed: 1 })
  expect(mixed.images.dataSync()[0]).toBe(0.125)
  expect([...mixed.targets.dataSync()]).toEqual([0.5, 0, 0, 0.5, 0, 0.5])
})

test('copies the input if there is no draw', () => {
  const never = withDraws((): Trick => ({
    ...shift(),
    images: { ...shift().images!, draw: () => undefined },
  }))
  const copy = never(images, { seed: 1 })
  expect(copy).not.toBe(images)
  expect([...copy.dataSync()]).toEqual([...images.dataSync()])
})

test('names the input that a trick expects', () => {
  expect(() => withDraws(swap)(images, { seed: 1 })).toThrow(
    'swap: expected { images, targets }, as it mixes both, got images',
  )
  expect(() => withDraws(shift)({ images, targets }, { seed: 1 })).toThrow(
    'shift: expected images, [batch, height, width, channels], got { images, targets }',
  )
})

test("an error names the function's own option", () => {
  const message = (options: object): string => {
    try {
      withDraws(shift)(images, { seed: 1, ...options })
    } catch (error) {
      return (error as Error).message
    }
    return 'none'
  }
  expect(message({ seed: -1 })).toBe(
    'shift: expected seed to be a whole number in [0, 2^32), got -1',
  )
  expect(message({ seed: undefined })).toMatch('shift: expected seed to be')
  expect(message({ step: 0.5 })).toBe(
    'shift: expected step to be a whole number of at least 0, got 0.5',
  )
  expect(message({ mean: [0.5, 0.5] })).toBe(
    'shift: expected mean to be a list of 1 numbers, got [0.5,0.5]',
  )
})
