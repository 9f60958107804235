import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { batchNorm } from '@tricks/batch-norm'
import { afterEach, describe, expect, test } from 'vitest'
import { present, values } from './compare.ts'

afterEach(async () => {
  await tf.setBackend('cpu')
})

const [batch, classes] = [4, 3]

/**
 * A small network with all kinds of layers, and its training step, which returns the loss. A software device computes
 * windows slowly.
 */
function network(
  optimizer: tf.Optimizer,
  { side, kernelSize }: { readonly side: number; readonly kernelSize: number },
): { step: () => tf.Scalar; dispose: () => void } {
  const shape = { inputShape: [side, side, 3] }
  const convolution = (more: { inputShape?: number[] } = {}): layers.layers.Layer =>
    layers.layers.conv2d({ filters: 4, kernelSize, padding: 'same', useBias: false, ...more })
  const model = layers.sequential({
    layers: [
      convolution(shape),
      batchNorm(),
      layers.layers.activation({ activation: 'relu' }),
      layers.layers.maxPooling2d({ poolSize: 2 }),
      // Its input gradient trains the first layer's filter.
      convolution(),
      layers.layers.globalAveragePooling2d({}),
      layers.layers.dense({ units: classes }),
    ],
  })
  const start = model.getWeights().map((weight, i) => {
    // Vectors are biases and batch norm's variables, which keep their initial values.
    if (weight.rank === 1) return tf.clone(weight)
    const scale = Math.sqrt(3 / (weight.size / weight.shape.at(-1)!))
    const numbers = values(weight.shape, i + 1).map((value) => value * scale)
    return tf.tensor(numbers, weight.shape)
  })
  model.setWeights(start)
  tf.dispose(start)
  const images = tf.tensor4d(values([batch, side, side, 3], 50), [batch, side, side, 3])
  const targets = tf.tensor2d([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0], [batch, classes])
  return {
    step: () =>
      optimizer.minimize(
        () =>
          tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(
            targets,
            model.apply(images, { training: true }) as tf.Tensor,
          ),
        true,
      )!,
    dispose: () => {
      tf.dispose([images, targets])
      model.dispose()
      optimizer.dispose()
    },
  }
}

async function losses(backend: string, steps: number): Promise<number[]> {
  await tf.setBackend(backend)
  const { step, dispose } = network(tf.train.momentum(0.1, 0.9), { side: 6, kernelSize: 3 })
  const tensors = Array.from({ length: steps }, step)
  const all = tf.stack(tensors)
  const numbers = [...(await all.data())]
  tf.dispose([all, tensors])
  dispose()
  return numbers
}

describe.skipIf(!present)('on webgpu', () => {
  test('30 training steps have the same falling losses as on the cpu backend', async () => {
    const expected = await losses('cpu', 30)
    const got = await losses('webgpu', 30)
    expect(got.at(-1)).toBeLessThan(0.7 * got[0]!)
    const worst = Math.max(...expected.map((loss, i) => Math.abs(loss - got[i]!)))
    expect(worst).toBeLessThan(1e-4)
  })

  test('200 steps read nothing back, and tensors and buffers stay constant', async () => {
    await tf.setBackend('webgpu')
    const backend = tf.backend() as WebGPUBackend
    const { step, dispose } = network(tf.train.sgd(0.05), { side: 4, kernelSize: 1 })
    const settle = async (steps: number): Promise<object> => {
      for (let i = 0; i < steps - 1; i++) step().dispose()
      const loss = step()
      // Queued resources are freed on submission.
      await loss.data()
      loss.dispose()
      const { numTensors, numDataBuffers } = tf.memory()
      const { numBytesAllocatedInGPU, numBytesInGPU } = backend.memory()
      const buffers = backend.bufferManager.getNumUsedBuffers()
      const free = backend.bufferManager.getNumFreeBuffers()
      return { numTensors, numDataBuffers, numBytesAllocatedInGPU, numBytesInGPU, buffers, free }
    }
    const before = await settle(20)
    const reads: string[] = []
    const { read, readSync } = backend
    backend.readSync = (id) => (reads.push('readSync'), readSync.call(backend, id))
    backend.read = (id) => (reads.push('read'), read.call(backend, id))
    const after = await settle(200)
    expect(reads).toEqual(['read'])
    expect(after).toEqual(before)
    Object.assign(backend, { read, readSync })
    dispose()
  })
})
