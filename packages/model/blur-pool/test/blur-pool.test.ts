import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { expectClose, fromFixture, onEachBackend } from '@tricks/conformance'
import { expect, test } from 'vitest'
import { applyBlurPool, applyMaxBlurPool, blurPool } from '../src/index.ts'
import fixture from './fixtures/blur-pool.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)('matches the reference: $kind, $params', (each) => {
    const { kind, params, inputs, expected } = each
    const apply = kind === 'maxBlurPool' ? applyMaxBlurPool : applyBlurPool
    const x = fromFixture(inputs.x) as tf.Tensor4D
    const upstream = fromFixture(inputs.upstream)
    const before = tf.memory().numTensors
    const y = apply(x, params)
    expect(tf.memory().numTensors - before).toBe(1)
    expectClose(y, expected.y)
    const gradient = tf.grad((images) =>
      tf.sum(tf.mul(apply(images as tf.Tensor4D, params as never), upstream)),
    )(x)
    expectClose(gradient, expected.gradX, { absolute: 2e-5, relative: 1e-4 })
  })

  test('a uniform image stays uniform, for every size and shape', () => {
    for (const size of [1, 2, 3, 4, 5, 7])
      for (const stride of [1, 2, 3]) {
        const y = applyBlurPool(tf.fill([1, 5, 7, 2], 0.7), { size, stride })
        const outputs = (length: number): number => Math.floor((length - 1) / stride) + 1
        expect(y.shape).toEqual([1, outputs(5), outputs(7), 2])
        expectClose(y, tf.fill(y.shape, 0.7))
      }
  })

  test('a size of 2 blurs with the pixel after', () => {
    const x = tf.tensor4d([1, 2, 4], [1, 1, 3, 1])
    const high = tf.concat([x, x], 1)
    expectClose(applyBlurPool(high, { size: 2, stride: 1 }), [1.5, 3, 3, 1.5, 3, 3])
  })
})

test('the layer equals the function, even after saving and loading, and infers its shape', async () => {
  const model = layers.sequential({
    layers: [blurPool({ size: 5, stride: 2, inputShape: [9, 6, 3] })],
  })
  expect(model.outputShape).toEqual([null, 5, 3, 3])
  const x = tf.randomUniform<tf.Rank.R4>([2, 9, 6, 3], 0, 1, 'float32', 1)
  expectClose(model.predict(x) as tf.Tensor, applyBlurPool(x, { size: 5, stride: 2 }))
  let saved: tf.io.ModelArtifacts | undefined
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = artifacts
      return Promise.resolve({ modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) })
    }),
  )
  const loaded = await layers.loadLayersModel(tf.io.fromMemory(saved!))
  expectClose(loaded.predict(x) as tf.Tensor, model.predict(x) as tf.Tensor, { absolute: 0 })
  const any = layers.sequential({ layers: [blurPool({ inputShape: [null, null, 1] })] })
  expect(any.outputShape).toEqual([null, null, null, 1])
})

test('rejects invalid options, and images that are too small', () => {
  expect(() => blurPool({ size: 0 })).toThrow(
    'blur-pool: expected size to be an integer in [1, 15]',
  )
  expect(() => blurPool({ stride: 1.5 })).toThrow('expected stride to be an integer')
  expect(() => blurPool({ filter: 3 } as never)).toThrow('expected options to be')
  expect(() => applyBlurPool(tf.zeros([1, 2, 8, 1]), { size: 5 })).toThrow(
    'blur-pool: expected x to be of a height and width of at least 3 for a size of 5, got [1,2,8,1]',
  )
  expect(() => applyMaxBlurPool(tf.zeros([1, 2, 8, 1]), { poolSize: 3 })).toThrow('at least 3, the')
})
