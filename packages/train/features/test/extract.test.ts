import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { createRandom } from '@tricks/core'
import { plain } from '@tricks/models'
import { randomFlip } from '@tricks/random-flip'
import { randomResizedCrop } from '@tricks/random-resized-crop'
import type { ImageSet, Subset } from '@tricks/train'
import { beforeAll, expect, test } from 'vitest'
import {
  extractFeatures,
  type FeatureOptions,
  memoryStore,
  setHead,
  splitHead,
} from '../src/index.ts'

beforeAll(() => tf.setBackend('cpu'))

const random = createRandom(5)
const pixels = Uint8Array.from({ length: 11 * 48 }, () => random.integer(0, 256))
const set: ImageSet = {
  images: pixels,
  labels: Array.from({ length: 11 }, (_, i) => i % 3),
  height: 4,
  width: 4,
  channels: 3,
  classes: ['a', 'b', 'c'],
}
const images: Subset = { set, indices: Int32Array.of(10, 0, 3, 4, 7, 8, 9) }
const normalization = { mean: [0.5, 0.4, 0.3], deviation: [0.2, 0.3, 0.4] }
const network = (seed = 1): layers.LayersModel =>
  plain({ widths: [[3], [5]], inputShape: [4, 4, 3], classes: 3, seed })
const options = (more: Partial<FeatureOptions> = {}): FeatureOptions => ({
  model: splitHead(network()).features,
  images,
  ...normalization,
  batchSize: 2,
  batchesPerBlock: 2,
  ...more,
})
const valuesOf = async (given: FeatureOptions): Promise<number[]> =>
  (await extractFeatures(given)).blocks.flatMap(({ read }) => [...read()])

test('features followed by the last layer equal the model, on normalised images in the given order', async () => {
  const model = network()
  const { features, head } = splitHead(model)
  const found = await extractFeatures(options({ model: features }))
  expect(found.width).toBe(5)
  expect(found.blocks.map(({ labels }) => [...labels])).toEqual([
    [1, 0, 0, 1],
    [1, 2, 0],
  ])
  const own = [...images.indices].flatMap((i) => [...pixels.subarray(48 * i, 48 * i + 48)])
  const { mean, deviation } = normalization
  const normal = tf.div(tf.sub(tf.div(tf.tensor4d(own, [7, 4, 4, 3]), 255), mean), deviation)
  const logits = (model.predict(normal) as tf.Tensor).dataSync()
  const values = found.blocks.flatMap(({ read }) => [...read()])
  const computed = (head.apply(tf.tensor2d(values, [7, 5])) as tf.Tensor).dataSync()
  computed.forEach((each, i) => expect(each).toBeCloseTo(logits[i]!, 4))
})

test('stored features are not computed again for the same model, images and options', async () => {
  const store = memoryStore()
  let computed = 0
  const counted = (more: Partial<FeatureOptions> = {}): FeatureOptions =>
    options({ store, onProgress: (progress) => void (computed = progress.computed), ...more })
  const first = await valuesOf(counted())
  expect(computed).toBe(7)
  // Another model object with the same weights.
  expect(await valuesOf(counted())).toEqual(first)
  expect(computed).toBe(0)
  const others: Partial<FeatureOptions>[] = [
    { model: splitHead(network(2)).features },
    { images: { set, indices: images.indices.toReversed() } },
    { images: { ...images, set: { ...set, images: pixels.toReversed() } } },
    { mean: [0.5, 0.4, 0.2] },
    { passes: [[randomFlip()]] },
  ]
  for (const other of others) {
    await extractFeatures(counted(other))
    expect(computed).toBe(7)
  }
})

test('each pass augments the images differently, depending on the seed', async () => {
  const passes = [[], [randomFlip({ probability: 1 })], [randomFlip()], [randomFlip()]]
  const values = await valuesOf(options({ passes, seed: 3 }))
  const pass = (i: number): number[] => values.slice(35 * i, 35 * i + 35)
  const rows = (i: number): string[] =>
    Array.from({ length: 7 }, (_, k) =>
      pass(i)
        .slice(5 * k, 5 * k + 5)
        .join(),
    )
  expect(pass(0)).toEqual(await valuesOf(options()))
  expect(pass(1)).not.toEqual(pass(0))
  expect(pass(2)).not.toEqual(pass(3))
  rows(2).forEach((row, k) => expect([rows(0)[k], rows(1)[k]]).toContain(row))
  expect(await valuesOf(options({ passes, seed: 3 }))).toEqual(values)
  expect(await valuesOf(options({ passes, seed: 4 }))).not.toEqual(values)
})

test('a pass that cuts windows takes them from the larger images', async () => {
  const constant = (value: number, size: number): Uint8Array =>
    new Uint8Array(11 * size * size * 3).fill(value)
  const larger = { images: constant(255, 6), height: 6, width: 6 }
  const both: Subset = { ...images, set: { ...set, images: constant(0, 4), larger } }
  const crop = randomResizedCrop({ size: [4, 4] })
  const passes = [[], [crop], [randomFlip()]]
  const [small, cut, flipped] = await Promise.all(
    passes.map((tricks) => valuesOf(options({ images: both, passes: [tricks] }))),
  )
  expect(flipped).toEqual(small)
  const white: Subset = { ...images, set: { ...set, images: constant(255, 4) } }
  const expected = await valuesOf(options({ images: white }))
  cut!.forEach((each, i) => expect(each).toBeCloseTo(expected[i]!, 4))
})

test('an interrupted extraction continues from the last block, to the same values', async () => {
  const store = memoryStore()
  const control = new AbortController()
  const passes = [[], [randomFlip({ alternate: true })]]
  const interrupted = extractFeatures(
    options({
      store,
      passes,
      signal: control.signal,
      onProgress: ({ done }) => void (done >= 9 && control.abort()),
    }),
  )
  await expect(interrupted).rejects.toThrow(/abort/)
  let computed = 0
  const onProgress: FeatureOptions['onProgress'] = (progress) => void (computed = progress.computed)
  const rest = await valuesOf(options({ store, passes, onProgress }))
  expect(computed).toBe(7)
  expect(rest).toEqual(await valuesOf(options({ passes })))
})

test('rejects a model that does not end in a dense layer of logits', () => {
  const { dense, flatten } = layers.layers
  const flat = (): layers.layers.Layer => flatten({ inputShape: [2, 2, 1] })
  const softmax = layers.sequential({
    layers: [flat(), dense({ units: 2, activation: 'softmax' })],
  })
  expect(() => splitHead(softmax)).toThrow(
    /expected a model that ends in a dense layer without an activation/,
  )
  expect(() => splitHead(layers.sequential({ layers: [flat()] }))).toThrow(/\(Flatten\)/)
})

test('a fit becomes the last layer, if it has the sizes of the layer', () => {
  const { features, head } = splitHead(network())
  const [width, classes] = head.weights[0]!.shape as [number, number]
  const kernel = Float32Array.from({ length: width * classes }, (_, i) => i / 10)
  const bias = Float32Array.from({ length: classes }, (_, i) => -i)
  const { numTensors } = tf.memory()
  setHead(head, { kernel, bias })
  expect(tf.memory().numTensors).toBe(numTensors)
  expect(head.getWeights().map((weight) => [...weight.dataSync()])).toEqual([
    [...kernel],
    [...bias],
  ])
  expect(() => setHead(head, { kernel: kernel.subarray(1), bias: bias.subarray(1) })).toThrow(
    `features: expected a fit of ${width} features and ${classes} classes`,
  )
  const { dense } = layers.layers
  const unbiased = layers.sequential({
    layers: [features.layers[0]!, ...features.layers.slice(1), dense({ units: 3, useBias: false })],
  })
  expect(() => setHead(splitHead(unbiased).head, { kernel, bias })).toThrow('useBias: true')
})
