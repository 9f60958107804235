// Training on larger images than the model's input, with a trick that crops windows from them.
import * as tf from '@tensorflow/tfjs-core'
import type { Trick } from '@tricks/core'
import { randomResizedCrop } from '@tricks/random-resized-crop'
import { beforeEach, expect, test } from 'vitest'
import { firstOf, type ImageSet, openRun, train, type TrainOptions } from '../src/index.ts'
import { blobs, denseModel } from './blobs.ts'

beforeEach(() => tf.setBackend('cpu'))

const times = 3
/** The set with larger versions of its images: each pixel 3 × 3 times, and one level brighter. */
function withLarger(set: ImageSet): ImageSet {
  const { height, width, channels, labels } = set
  const images = new Uint8Array(labels.length * height * times * width * times * channels)
  for (let i = 0; i < images.length; i++) {
    const [channel, column] = [i % channels, Math.floor(i / channels) % (width * times)]
    const row = Math.floor(i / channels / (width * times))
    const from = (Math.floor(row / times) * width + Math.floor(column / times)) * channels + channel
    images[i] = (set.images as Uint8Array)[from]! + 1
  }
  return { ...set, larger: { images, height: height * times, width: width * times } }
}

const data = { train: withLarger(blobs(120)), test: blobs(40, 1) }
const { height, width } = data.train
const size: [number, number] = [height, width]
const options = (tricks: readonly Trick[], more: Partial<TrainOptions> = {}): TrainOptions => ({
  model: denseModel(),
  data,
  optimizer: tf.train.momentum(0.1, 0.9),
  tricks,
  epochs: 2,
  batchSize: 16,
  ...more,
})
const shapeWith = (tricks: readonly Trick[]): number[] =>
  openRun(options(tricks)).data.batch(0).images.shape

test("only a trick that outputs images of the set's size gets the larger ones", () => {
  const larger = [16, height * times, width * times, data.train.channels]
  expect(shapeWith([randomResizedCrop({ size })])).toEqual(larger)
  const own = [16, height, width, data.train.channels]
  expect(shapeWith([])).toEqual(own)
  expect(shapeWith([randomResizedCrop()])).toEqual(own)
  expect(shapeWith([randomResizedCrop({ size: [height + 1, width] })])).toEqual(own)
})

test('the larger images are the same images', () => {
  const small = openRun(options([])).data.batch(3)
  const large = openRun(options([randomResizedCrop({ size })])).data.batch(3)
  expect([...large.targets.dataSync()]).toEqual([...small.targets.dataSync()])
  const shrunk = tf.image.resizeNearestNeighbor(large.images, size)
  const brighter = tf.mul(tf.sub(shrunk, small.images), 255).dataSync()
  for (const value of brighter) expect(value).toBeCloseTo(1, 3)
})

test('trains on windows of the larger images, and evaluates on the others', async () => {
  const tricks = [randomResizedCrop({ size, area: [0.5, 1] })]
  const { test: metrics } = await train(options(tricks, { epochs: 5 }))
  expect(metrics!.accuracy).toBeGreaterThan(0.9)
})

test('a subset keeps the larger versions of its images', () => {
  const some = firstOf(data.train, 30)
  const pixels = height * width * data.train.channels
  expect(some.larger!.images.length).toBe(30 * pixels * times ** 2)
  const first = some.larger!.images.subarray(29 * pixels * times ** 2, 29 * pixels * times ** 2 + 1)
  expect(first[0]).toBe(some.images.subarray(29 * pixels, 30 * pixels)[0]! + 1)
})

test('a run resumes only with its original larger images', async () => {
  const tricks = [randomResizedCrop({ size })]
  const checkpoints: NonNullable<TrainOptions['resume']>[] = []
  const checkpoint = {
    save: (saved: NonNullable<TrainOptions['resume']>) => void checkpoints.push(saved),
  }
  await train(options(tricks, { checkpoint }))
  const [resume] = checkpoints
  const other = { ...data.train.larger!, images: (data.train.larger!.images as Uint8Array).slice() }
  other.images[5]! ^= 1
  const changed = { ...data, train: { ...data.train, larger: other } }
  await expect(train(options(tricks, { resume, data: changed }))).rejects.toThrow('trainingLarger')
  expect((await train(options(tricks, { resume }))).stopped).toBe('finished')
})

test('rejects a wrong number of larger images', () => {
  const images = (data.train.larger!.images as Uint8Array).slice(1)
  const wrong = { ...data, train: { ...data.train, larger: { ...data.train.larger!, images } } }
  expect(() => openRun(options([], { data: wrong }))).toThrow(
    /^train: expected \d+ bytes of the training set's larger images, 120 of .* pass one for each label/,
  )
})
