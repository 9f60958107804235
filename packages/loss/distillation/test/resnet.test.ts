import * as tf from '@tensorflow/tfjs-core'
import { compose, oneHot } from '@tricks/core'
import { createModel } from '@tricks/models'
import { expect, test } from 'vitest'
import { distillation } from '../src/index.ts'

test('a ResNet-152 teaches a ResNet-50', async () => {
  await tf.setBackend('wasm')
  const shape = { inputShape: [8, 8, 3], classes: 3 } as const
  const teacher = createModel('resnet-152', shape)
  const student = createModel('resnet-50', shape)
  const pipeline = compose([distillation({ teacher })])
  const images = tf.randomUniform<tf.Rank.R4>([2, 8, 8, 3], 0, 1, 'float32', 1)
  const batch = pipeline.batch(images, oneHot([0, 2], 3), 0)
  const optimizer = tf.train.momentum(1e-3, 0.9)
  const weights = student.trainableWeights.map((weight) => weight.read() as tf.Variable)
  const step = (): number => {
    const loss = optimizer.minimize(
      () => pipeline.loss(batch, student.apply(batch.images, { training: true }) as tf.Tensor2D),
      true,
      weights,
    )!
    return loss.dataSync()[0]!
  }
  const first = step()
  const before = tf.memory().numTensors
  const second = step()
  expect(Number.isFinite(first)).toBe(true)
  expect(second).not.toBe(first)
  // The loss belongs to the caller.
  expect(tf.memory().numTensors).toBe(before + 1)
})
