import * as tf from '@tensorflow/tfjs-core'
import { afterEach, expect, test } from 'vitest'
import { batchOf, type ImageSet, keepOnDevice, train } from '../src/index.ts'
import { blobs, denseModel } from './blobs.ts'

afterEach(async () => {
  await tf.setBackend('cpu')
})

const backends = ['cpu', 'wasm', 'webgpu'].filter((name) => tf.findBackendFactory(name) !== null)

/** Every byte value, in images whose size is not a multiple of three. */
function everyByte(height: number, width: number, channels: number): ImageSet {
  const size = height * width * channels
  const count = Math.ceil(256 / size) + 3
  const images = Uint8Array.from({ length: count * size }, (_, i) => (i * 7 + 250) % 256)
  const labels = Array.from({ length: count }, (_, i) => i % 2)
  return { images, labels, height, width, channels, classes: ['a', 'b'] }
}

async function batch(set: ImageSet): Promise<{ shape: number[]; values: Float32Array }> {
  const indices = Int32Array.from(set.labels, (_, i) => set.labels.length - 1 - i)
  const { images, targets } = batchOf({ set, indices }, 1, indices.length)
  const values = (await images.data()) as Float32Array
  tf.dispose([images, targets])
  return { shape: images.shape, values }
}

test.each(backends)('a batch gathered on %s is bit-equal to the host’s', async (backend) => {
  await tf.setBackend(backend)
  for (const set of [everyByte(4, 4, 3), everyByte(5, 1, 1), everyByte(1, 2, 4)]) {
    const expected = await batch(set)
    const before = tf.memory().numTensors
    const release = keepOnDevice(set, true)
    expect(tf.memory().numTensors).toBe(before + 2)
    expect(await batch(set)).toEqual(expected)
    release()
    expect(tf.memory().numTensors).toBe(before)
    expect(await batch(set)).toEqual(expected)
  }
})

test('stays on the host without a GPU, or if the images are in files', () => {
  const set = everyByte(4, 4, 3)
  const before = tf.memory().numTensors
  keepOnDevice(set)()
  keepOnDevice({ ...set, images: { length: 48, subarray: () => new Uint8Array(48) } }, true)()
  keepOnDevice(set)
  expect(tf.memory().numTensors).toBe(before)
})

test('training on a set on the device is bit-equal, and frees it', async () => {
  const [set, results] = [blobs(24), [] as number[][]]
  for (const keep of [false, true]) {
    const model = denseModel()
    const optimizer = tf.train.sgd(0.1)
    const release = keep ? keepOnDevice(set, true) : () => undefined
    const { epochs } = await train({
      model,
      data: { train: set },
      optimizer,
      epochs: 2,
      batchSize: 8,
    })
    release()
    results.push(epochs.map(({ training }) => training.loss))
    optimizer.dispose()
  }
  expect(results[1]).toEqual(results[0])
})
