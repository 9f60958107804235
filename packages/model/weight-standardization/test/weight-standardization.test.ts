import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { expectClose, onEachBackend } from '@tricks/conformance'
import { expect, test } from 'vitest'
import { standardizeWeights, standardizedConv2d } from '../src/index.ts'

const kernelOf = (shape: number[]): tf.Tensor => {
  const size = tf.util.sizeFromShape(shape)
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(7 * i) + i / size),
    shape,
  )
}

onEachBackend(() => {
  test('by hand: each output has mean 0, and the biased variance 1', () => {
    // Columns 1, 3 and 2, 8, of variance 1 and 9.
    const kernel = tf.tensor2d([
      [1, 2],
      [3, 8],
    ])
    const least = 0.5
    const [a, b] = [1 / Math.sqrt(1.5), 3 / Math.sqrt(9.5)]
    expectClose(standardizeWeights(kernel, { epsilon: least }), [-a, -b, a, b])
    for (const shape of [
      [3, 3, 4, 6],
      [1, 1, 5, 2],
      [7, 3],
    ]) {
      const before = tf.memory().numTensors
      const given = kernelOf(shape)
      const standardised = standardizeWeights(given)
      expect(tf.memory().numTensors - before).toBe(2)
      const axes = shape.slice(1).map((_, axis) => axis)
      const { mean, variance } = tf.moments(standardised, axes)
      expectClose(mean, tf.zerosLike(mean), { absolute: 1e-5 })
      expectClose(variance, tf.onesLike(variance), { absolute: 1e-4 })
    }
  })

  test('constant filters become 0, and the scale of a filter has no effect', () => {
    expectClose(standardizeWeights(tf.fill([3, 3, 2, 2], 0.3)), tf.zeros([3, 3, 2, 2]), {
      absolute: 1e-3,
    })
    expectClose(standardizeWeights(tf.ones([1, 1, 1, 4])), tf.zeros([1, 1, 1, 4]))
    const kernel = kernelOf([3, 3, 2, 2])
    const scaled = standardizeWeights(tf.add(tf.mul(kernel, 5), 2))
    expectClose(scaled, standardizeWeights(kernel), { absolute: 1e-4 })
  })

  test('the layer convolves with the standardised kernel, and its gradient has mean 0', () => {
    const layer = standardizedConv2d({ filters: 4, kernelSize: 3, strides: 2, name: 'conv' })
    const x = kernelOf([2, 5, 6, 3]) as tf.Tensor4D
    const y = layer.apply(x) as tf.Tensor
    const [kernel, bias] = layer.trainableWeights.map((weight) => weight.read() as tf.Variable)
    expectClose(y, tf.conv2d(x, standardizeWeights(kernel as unknown as tf.Tensor4D), 2, 'same'))
    const loss = () => tf.sum(tf.square(layer.apply(x) as tf.Tensor))
    const { grads } = tf.variableGrads(loss as () => tf.Scalar, [kernel!, bias!])
    expectClose(tf.mean(grads[kernel!.name]!, [0, 1, 2]), [0, 0, 0, 0], { absolute: 1e-3 })
  })
})

test('initial weights depend on the seed and the name, and a saved model predicts the same', async () => {
  const make = (seed: number, name = 'conv') =>
    layers.sequential({
      layers: [
        standardizedConv2d({ filters: 2, padding: 'valid', seed, name, inputShape: [6, 5, 1] }),
      ],
    })
  const x = kernelOf([2, 6, 5, 1])
  const predict = (model: layers.LayersModel): number[] => [
    ...(model.predict(x) as tf.Tensor).dataSync(),
  ]
  const model = make(1)
  expect(model.outputShape).toEqual([null, 4, 3, 2])
  expect(predict(make(1))).toEqual(predict(model))
  expect(predict(make(2))).not.toEqual(predict(model))
  expect(predict(make(1, 'other'))).not.toEqual(predict(model))
  let saved: tf.io.ModelArtifacts | undefined
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = artifacts
      return Promise.resolve({ modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) })
    }),
  )
  expect(predict(await layers.loadLayersModel(tf.io.fromMemory(saved!)))).toEqual(predict(model))
})

test('rejects invalid options and inputs', () => {
  expect(() => standardizeWeights(tf.ones([2, 2]), { epsilon: 0 })).toThrow(
    'weight-standardization: expected epsilon to be a number in (0, 1], got 0',
  )
  expect(() => standardizeWeights(tf.ones([2]))).toThrow('expected kernel to be of rank 2 or more')
  expect(() => standardizedConv2d({} as never)).toThrow(
    'expected filters to be an integer in [1, 65536]',
  )
  expect(() => standardizedConv2d({ filters: 2, padding: 'full' as never })).toThrow(
    "expected padding to be 'same' or 'valid', got full",
  )
  expect(() => standardizedConv2d({ filters: 2 }).apply(tf.zeros([2, 8]))).toThrow(
    'weight-standardization: expected [batch, height, width, channels], got [2,8]',
  )
})
