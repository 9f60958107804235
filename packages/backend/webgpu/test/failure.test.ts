// Errors when a GPU fails. Each test has its own device.
import * as tf from '@tensorflow/tfjs-core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Backend, open } from '../src/backend.ts'
import { present } from './compare.ts'

describe.skipIf(!present)('a GPU that fails', () => {
  let backend: Backend

  beforeEach(async () => {
    tf.registerBackend('failing', async () => (backend = await open()))
    for (const kernel of tf.getKernelsForBackend('webgpu'))
      tf.registerKernel({ ...kernel, backendName: 'failing' })
    await tf.setBackend('failing')
  })

  afterEach(async () => {
    await tf.setBackend('cpu')
    tf.removeBackend('failing')
    for (const { kernelName } of tf.getKernelsForBackend('failing'))
      tf.unregisterKernel(kernelName, 'failing')
  })

  const lost =
    /^webgpu: the GPU is lost \(.+\), and all tensors with it\. Start again, from a checkpoint/

  test('is lost during a read', async () => {
    const values = tf.square(tf.tensor1d([1, 2, 3])).data()
    backend.device.destroy()
    await expect(values).rejects.toThrow(lost)
  })

  test('is lost between two steps: the next one reports it', async () => {
    const x = tf.variable(tf.tensor1d([1, 2, 3]))
    const optimizer = tf.train.sgd(0.1)
    const step = (): Promise<unknown> =>
      optimizer.minimize(() => tf.sum<tf.Scalar>(tf.square(x)), true)!.data()
    await step()
    backend.device.destroy()
    await expect(step()).rejects.toThrow(lost)
    await expect((async () => step())()).rejects.toThrow(lost)
  })

  test.skipIf(typeof window !== 'undefined')('is lost before a synchronous read', () => {
    const x = tf.square(tf.tensor1d([1, 2, 3]))
    backend.device.destroy()
    expect(() => x.dataSync()).toThrow(lost)
    expect(() => tf.square(x)).toThrow(lost)
  })

  test("is reported with the device's message", async () => {
    const x = tf.square(tf.tensor1d([1, 2, 3]))
    const error = new GPUOutOfMemoryError('no memory for 5 GB')
    backend.device.dispatchEvent(new GPUUncapturedErrorEvent('uncapturederror', { error }))
    const message =
      /^webgpu: the GPU's memory ran out \(no memory for 5 GB\): train with a smaller batch$/
    await expect(x.data()).rejects.toThrow(message)
    expect(() => tf.square(x)).toThrow(message)
  })

  test('never gets a request for a larger buffer than it supports', () => {
    const { maxBufferSize, maxStorageBufferBindingSize } = backend.device.limits
    const most = Math.min(maxBufferSize, maxStorageBufferBindingSize)
    const before = backend.memory()
    expect(() => tf.fill([most / 4 + 1, 1], 1)).toThrow(
      `webgpu: a tensor of [${most / 4 + 1}, 1] takes ${(most / 1e9).toFixed(2)} GB, and this GPU supports at most`,
    )
    expect(backend.memory()).toEqual(before)
  })
})
