import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { expectClose, fromFixture, onEachBackend } from '@tricks/conformance'
import { expect, test } from 'vitest'
import { squeezeExcite, type SqueezeExciteOptions } from '../src/index.ts'
import fixture from './fixtures/squeeze-excite.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)('matches timm: $params', ({ params, inputs, expected }) => {
    const { reduction, activation, gate } = params
    const layer = squeezeExcite({ reduction, activation, gate } as SqueezeExciteOptions)
    const x = fromFixture(inputs.x)
    layer.apply(x)
    const names = ['reduce/kernel', 'reduce/bias', 'expand/kernel', 'expand/bias'] as const
    layer.setWeights(names.map((name) => fromFixture(inputs[name])))
    const upstream = fromFixture(inputs.upstream)
    const weighted = (images: tf.Tensor): tf.Scalar =>
      tf.sum(tf.mul(layer.apply(images) as tf.Tensor, upstream))
    const grad = tf.grad(weighted)(x)
    expectClose(layer.apply(x) as tf.Tensor, expected.y)
    expectClose(grad, expected.gradX, { absolute: 2e-5, relative: 1e-4 })
  })

  test('has gradients for all weights, and works with one channel', () => {
    const layer = squeezeExcite({ name: 'se', seed: 3 })
    const x = tf.randomUniform([2, 3, 5, 1], 0, 1, 'float32', 1)
    layer.apply(x)
    const variables = layer.trainableWeights.map((weight) => weight.read() as tf.Variable)
    expect(variables.map(({ shape }) => shape)).toEqual([[1, 1], [1], [1, 1], [1]])
    const { grads } = tf.variableGrads(() => tf.sum(layer.apply(x) as tf.Tensor), variables)
    for (const { name } of variables) expect(grads[name]).toBeDefined()
  })
})

test('initial weights depend on the seed and the name', () => {
  const weights = (options: SqueezeExciteOptions): number[] => {
    const layer = squeezeExcite({ reduction: 0.5, ...options })
    layer.apply(tf.zeros([1, 2, 2, 8]))
    return layer.getWeights().flatMap((weight) => [...weight.dataSync()])
  }
  const first = weights({ name: 'se', seed: 1 })
  expect(weights({ name: 'se', seed: 1 })).toEqual(first)
  expect(weights({ name: 'se', seed: 2 })).not.toEqual(first)
  expect(weights({ name: 'other', seed: 1 })).not.toEqual(first)
  expect(Math.max(...first.map(Math.abs))).toBeLessThanOrEqual(0.5)
})

test('a saved model predicts the same', async () => {
  const model = layers.sequential({
    layers: [squeezeExcite({ reduction: 0.5, gate: 'hardSigmoid', inputShape: [4, 4, 6] })],
  })
  let saved: tf.io.ModelArtifacts | undefined
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = artifacts
      return Promise.resolve({ modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) })
    }),
  )
  const loaded = await layers.loadLayersModel(tf.io.fromMemory(saved!))
  const x = tf.randomUniform([2, 4, 4, 6], 0, 1, 'float32', 1)
  expectClose(loaded.predict(x) as tf.Tensor, model.predict(x) as tf.Tensor, { absolute: 0 })
})

test('rejects invalid options and inputs', () => {
  expect(() => squeezeExcite({ reduction: 0 })).toThrow(
    'squeeze-excite: expected reduction to be a number in (0, 16], got 0',
  )
  expect(() => squeezeExcite({ activation: 'gelu' as never })).toThrow("to be 'relu' or 'silu'")
  expect(() => squeezeExcite({ gate: 'tanh' as never })).toThrow("'sigmoid' or 'hardSigmoid'")
  expect(() => squeezeExcite({ ratio: 16 } as never)).toThrow('expected options to be')
  expect(() => squeezeExcite().apply(tf.zeros([2, 8]))).toThrow(
    'squeeze-excite: expected [batch, height, width, channels], got [2,8]',
  )
})
