import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { expect, test } from 'vitest'
import { airbench, countParameters, plain, whiten } from '../src/index.ts'
import { eigen } from '../src/whiten.ts'
import { descend, withModel } from './training.ts'

test('eigenvalues and eigenvectors of a symmetric matrix, largest first', () => {
  // [2, 1; 1, 2] has 3 on (1, 1) / √2 and 1 on (1, −1) / √2.
  const [first, second] = eigen([2, 1, 1, 2], 2)
  expect(first!.value).toBeCloseTo(3, 12)
  expect(second!.value).toBeCloseTo(1, 12)
  expect(first!.vector[0]).toBeCloseTo(Math.SQRT1_2, 12)
  expect(first!.vector[1]).toBeCloseTo(Math.SQRT1_2, 12)
  expect(second!.vector[0]! + second!.vector[1]!).toBeCloseTo(0, 12)

  const size = 12
  const drawn = tf.randomNormal([size, size], 0, 1, 'float32', 5).dataSync()
  const matrix = Array.from({ length: size ** 2 }, (_, k) => {
    const [i, j] = [Math.floor(k / size), k % size]
    return drawn[i * size + j]! + drawn[j * size + i]!
  })
  const pairs = eigen(matrix, size)
  expect(pairs.map(({ value }) => value)).toEqual(
    pairs.map(({ value }) => value).toSorted((a, b) => b - a),
  )
  for (const { value, vector } of pairs) {
    expect(Math.hypot(...vector)).toBeCloseTo(1, 12)
    for (let i = 0; i < size; i++) {
      const product = vector.reduce((sum, x, j) => sum + matrix[i * size + j]! * x, 0)
      expect(product).toBeCloseTo(value * vector[i]!, 10)
    }
  }
})

function weightOf(model: LayersModel, name: string): tf.Tensor {
  return model.weights.find(({ originalName }) => originalName === name)!.read()
}

/** Images with correlated neighbours and channels, like photographs. */
function smoothImages(): tf.Tensor4D {
  return tf.tidy(() => {
    const noise = tf.randomNormal<tf.Rank.R4>([64, 18, 18, 3], 0.3, 1, 'float32', 6)
    const grey = tf.mean(noise, 3, true)
    return tf.add(tf.avgPool(tf.add<tf.Tensor4D>(tf.mul(noise, 0.3), grey), 3, 1, 'valid'), 0.1)
  })
}

test('whitening gives patches the identity as covariance, followed by the negatives', async () => {
  const images = smoothImages()
  const model = airbench({ inputShape: [16, 16, 3], widths: [4, 4, 4] })
  await whiten(model, images)
  // It may be repeated, for example with other images.
  await whiten(model, images, { epsilon: 1e-9 })
  const kernel = weightOf(model, 'whiten/conv/kernel') as tf.Tensor4D
  const whitened = tf.reshape(tf.conv2d(images, kernel, 1, 'valid'), [-1, 24])
  const values = tf.slice(whitened, [0, 0], [-1, 12])
  const centred = tf.sub(values, tf.mean(values, 0))
  const covariance = tf.div(tf.matMul(centred, centred, true), values.shape[0] - 1)
  expect(tf.max(tf.abs(tf.sub(covariance, tf.eye(12)))).dataSync()[0]).toBeLessThan(1e-3)
  const negated = tf.slice(whitened, [0, 12], [-1, 12])
  expect(tf.max(tf.abs(tf.add(values, negated))).dataSync()[0]).toBe(0)
  model.dispose()
})

test('the whitening kernel is fixed while its bias is trained', async () => {
  const model = airbench({ inputShape: [16, 16, 3], widths: [4, 4, 4] })
  await whiten(model, smoothImages())
  const kernel = weightOf(model, 'whiten/conv/kernel')
  const bias = weightOf(model, 'whiten/conv/bias')
  const before = kernel.dataSync().slice()
  const [{ gradients }] = descend(model, { steps: 1 }) as [ReturnType<typeof descend>[0]]
  expect(Object.keys(gradients)).not.toContain('whiten/conv/kernel')
  expect(kernel.dataSync()).toEqual(before)
  expect(tf.max(tf.abs(bias)).dataSync()[0]).toBeGreaterThan(0)
  model.dispose()
})

test('rejects a model that cannot be whitened', async () => {
  const model = plain({ widths: [[2]] })
  await expect(whiten(model, smoothImages())).rejects.toThrow(
    'whiten: expected a model with a layer whiten/conv, such as airbench',
  )
  await expect(whiten(model, smoothImages(), { epsilon: 0 })).rejects.toThrow(
    'whiten: expected epsilon to be a number above 0, got 0',
  )
  model.dispose()
})

test('whitening leaves no tensor behind', async () => {
  const images = smoothImages()
  const model = airbench({ inputShape: [16, 16, 3], widths: [4, 4, 4] })
  const { numTensors } = tf.memory()
  await whiten(model, images)
  expect(tf.memory().numTensors).toBe(numTensors)
  withModel(model, () => undefined)
})

test('a fixed weight stays fixed: frozen and unfrozen, nested, compiled', async () => {
  const images = smoothImages()
  const model = airbench({ widths: [4, 4, 4], inputShape: [16, 16, 3] })
  await whiten(model, images)
  const count = countParameters(model)
  const outer = layers.sequential({ layers: [model, layers.layers.dense({ units: 10 })] })
  outer.compile({ optimizer: 'sgd', loss: 'meanSquaredError' })
  expect(countParameters(model)).toBe(count)
  for (const each of [model, ...model.layers]) each.trainable = false
  expect(countParameters(model)).toBe(0)
  await whiten(model, images)
  for (const each of [model, ...model.layers]) each.trainable = true
  expect(countParameters(model)).toBe(count)
  const names = model.trainableWeights.map(({ originalName }) => originalName)
  expect(names.filter((name) => /gamma|whiten\/conv\/kernel/.test(name))).toEqual([])
  expect(names).toContain('whiten/conv/bias')
  expect(new Set(model.weights).size).toBe(model.weights.length)
  await whiten(outer, images)
})
