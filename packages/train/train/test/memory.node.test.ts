// Real out-of-memory errors: tensors that fit on no machine.
import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { useBackend } from '@tricks/backend'
import { describe, expect, test } from 'vitest'
import { type ImageSet, train, type TrainOptions } from '../src/index.ts'
import { blobs } from './blobs.ts'

/** Few weights, but large activations per image. */
const wideModel = (units: number): layers.LayersModel => {
  const kernelInitializer = layers.initializers.constant({ value: 0.01 })
  return layers.sequential({
    layers: [
      layers.layers.globalAveragePooling2d({ inputShape: [4, 4, 3] }),
      layers.layers.dense({ units, kernelInitializer, useBias: false }),
      layers.layers.dense({ units: 3, kernelInitializer }),
    ],
  })
}

// On wasm this exceeds a heap of 4 GiB, on TensorFlow any machine's memory: 2 ** 21 · 2 ** 15 floats are 256 GiB.
const cases = [
  {
    backend: 'wasm',
    units: 2 ** 16,
    many: 2 ** 15,
    says: /wasm: out of memory: no room for a tensor/,
  },
  { backend: 'native', units: 2 ** 21, many: 2 ** 15, says: /OOM when allocating tensor/ },
] as const

const present = await Promise.all(
  cases.map(async (each) => ({
    ...each,
    there: await useBackend(each.backend).then(
      () => true,
      () => false,
    ),
  })),
)

describe.each(present)('on $backend', ({ backend, units, many, says, there }) => {
  const all: ImageSet = {
    ...blobs(3),
    images: new Uint8Array(many * 48).fill(9),
    labels: Uint8Array.from({ length: many }, (_, i) => i % 3),
  }
  const options = (more: Partial<TrainOptions>): TrainOptions => ({
    model: wideModel(units),
    data: { train: all },
    optimizer: tf.train.sgd(1e-3),
    epochs: 1,
    ...more,
  })

  test.skipIf(!there)(
    'a batch that does not fit: the error names its size, and how to find one that fits',
    async () => {
      await useBackend(backend)
      const optimizer = tf.train.sgd(1e-3)
      const model = wideModel(units)
      const given = options({ model, optimizer, batchSize: many, validation: 0 })
      const before = tf.memory().numTensors
      const failed = train(given)
      await expect(failed).rejects.toThrow(
        `train: the device ran out of memory for a step of ${many} images: halve batchSize until it fits. ` +
          `To keep ${many}, split each batch into such parts`,
      )
      await expect(failed).rejects.toThrow(`gradientAccumulation({ microBatch: ${many / 2} })`)
      await expect(failed).rejects.toThrow(says)
      expect(tf.memory().numTensors).toBe(before)
      // The suggested half can be tried at once.
      const { stopped } = await train({ ...given, data: { train: blobs(30) }, batchSize: 9 })
      expect(stopped).toBe('finished')
    },
  )

  test.skipIf(!there)('an evaluation that does not fit: the same', async () => {
    await useBackend(backend)
    const failed = train(
      options({ data: { train: blobs(20), test: all }, evaluationBatchSize: many, batchSize: 9 }),
    )
    await expect(failed).rejects.toThrow(
      `train: the device ran out of memory for evaluating ${many} images at once: ` +
        'halve evaluationBatchSize until it fits',
    )
  })
})
