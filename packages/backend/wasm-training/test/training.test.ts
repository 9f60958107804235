import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { afterEach, expect, test } from 'vitest'
import { generator } from './compare.ts'

afterEach(async () => {
  await tf.setBackend('cpu')
})

const batch = 16
const classes = 5

/** A small network with all kinds of layers, and its training step, which returns the loss. */
function network(): { step: () => number; dispose: () => void } {
  const random = generator(1)
  const convolution = (filters: number, strides: number) =>
    layers.layers.conv2d({ filters, kernelSize: 3, padding: 'same', strides })
  const model = layers.sequential({
    layers: [
      layers.layers.inputLayer({ inputShape: [12, 12, 3] }),
      convolution(6, 1),
      layers.layers.batchNormalization(),
      layers.layers.activation({ activation: 'relu' }),
      layers.layers.maxPooling2d({ poolSize: 2 }),
      layers.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same' }),
      convolution(9, 2),
      layers.layers.batchNormalization(),
      layers.layers.activation({ activation: 'relu' }),
      layers.layers.globalAveragePooling2d({}),
      layers.layers.dense({ units: classes }),
    ],
  })
  const start = model.getWeights().map(({ shape }) => {
    const fan = tf.util.sizeFromShape(shape) / shape.at(-1)!
    const scale = Math.sqrt(3 / fan)
    // Vectors are biases and batch norm's variables, which keep their initial values.
    return shape.length === 1
      ? null
      : tf.tensor(
          random.values(shape).map((value) => value * scale),
          shape,
        )
  })
  model.setWeights(model.getWeights().map((weight, i) => start[i] ?? weight))
  tf.dispose(start.filter((tensor) => tensor !== null))
  const images = tf.tensor4d(random.values([batch, 12, 12, 3]), [batch, 12, 12, 3])
  const targets = tf.tidy(() =>
    tf.oneHot(
      tf.tensor1d(
        Array.from({ length: batch }, (_, i) => i % classes),
        'int32',
      ),
      classes,
    ),
  )
  const optimizer = tf.train.momentum(0.05, 0.9)
  return {
    step: () => {
      const loss = optimizer.minimize(
        () =>
          tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(
            targets,
            model.apply(images, { training: true }) as tf.Tensor,
          ),
        true,
      )!
      const [value] = loss.dataSync()
      loss.dispose()
      return value!
    },
    dispose: () => {
      tf.dispose([images, targets])
      model.dispose()
      optimizer.dispose()
    },
  }
}

async function losses(backend: string, steps: number): Promise<number[]> {
  await tf.setBackend(backend)
  const { step, dispose } = network()
  const values = Array.from({ length: steps }, step)
  dispose()
  return values
}

test('30 training steps have the same falling losses as on the cpu backend', async () => {
  const expected = await losses('cpu', 30)
  const got = await losses('wasm', 30)
  expect(got.at(-1)).toBeLessThan(0.7 * got[0]!)
  const worst = Math.max(...expected.map((loss, i) => Math.abs(loss - got[i]!)))
  expect(worst).toBeLessThan(1e-5)
})

test('two runs are bit-equal', async () => {
  expect(await losses('wasm', 20)).toEqual(await losses('wasm', 20))
})

test('tensors, bytes and the heap stay constant over 200 steps', async () => {
  await tf.setBackend('wasm')
  const { step, dispose } = network()
  const use = () => {
    const { numTensors, numBytes, numDataBuffers } = tf.memory()
    const { HEAPU8 } = (tf.backend() as BackendWasm).wasm as unknown as { HEAPU8: Uint8Array }
    return { numTensors, numBytes, numDataBuffers, heap: HEAPU8.length }
  }
  for (let i = 0; i < 5; i++) step()
  const before = use()
  for (let i = 0; i < 200; i++) step()
  expect(use()).toEqual(before)
  dispose()
})

test('a tensor that does not fit is an error, and the heap remains usable', async () => {
  await tf.setBackend('wasm')
  const kept = tf.range(0, 1000)
  for (const size of [2 ** 30, 2 ** 31, 2 ** 33, 2 ** 40])
    expect(() => tf.tidy(() => tf.tile(kept, [size / 1024])), `${size}`).toThrow(
      /^wasm: out of memory: no room for a tensor of \d+ MiB beside a heap of \d+ MiB/,
    )
  // Fills the heap with tensors of half a gibibyte, which are never written to.
  const backend = tf.backend() as BackendWasm
  const many: tf.TensorInfo[] = []
  expect(() => {
    while (many.length < 9) many.push(backend.makeOutput([2 ** 27], 'float32'))
  }).toThrow('wasm: out of memory')
  expect(many.length).toBeGreaterThan(2)
  for (const { dataId } of many) backend.disposeData(dataId, true)
  expect([...(await kept.data())]).toEqual(Array.from({ length: 1000 }, (_, i) => i))
  const twice = tf.mul(kept, 2)
  expect((await twice.data())[999]).toBe(1998)
  tf.dispose([kept, twice])
})
