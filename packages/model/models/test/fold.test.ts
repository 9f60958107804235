import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { batchNorm } from '@tricks/batch-norm'
import { onEachBackend } from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { variablesOf } from '@tricks/core/model'
import { afterAll, describe, expect, test } from 'vitest'
import { efficientNetLite, exportModel, foldBatchNorm, plain, resnet } from '../src/index.ts'

/** Weights and statistics as in a trained network, some of them small. */
function shaken(model: layers.LayersModel): layers.LayersModel {
  const random = createRandom(3)
  for (const [path, variable] of Object.entries(variablesOf(model))) {
    const stream = random.fork(path)
    const positive = /variance|gamma/.test(path)
    const values = Float32Array.from(variable.dataSync(), (value) =>
      positive ? stream.uniform(0.2, 2) : value + 0.1 * stream.normal(),
    )
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)))
  }
  return model
}

const images = (size: number, count = 2): tf.Tensor4D => {
  const random = createRandom(1)
  const values = Float32Array.from({ length: count * size * size * 3 }, () => random.normal())
  return tf.tensor4d(values, [count, size, size, 3])
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, each, i) => Math.max(most, Math.abs(each - b[i]!)), 0)

/** A stem and a residual block with ReLU6, at even and odd sizes and strides. */
function small(): layers.LayersModel {
  const { conv2d, depthwiseConv2d, activation, add, globalAveragePooling2d, dense } = layers.layers
  const input = layers.input({ shape: [9, 9, 3], name: 'images' })
  const apply = (layer: layers.layers.Layer, x: unknown): layers.SymbolicTensor =>
    layer.apply(x as layers.SymbolicTensor) as layers.SymbolicTensor
  const normed = (x: layers.SymbolicTensor, name: string, kind?: 'relu' | 'relu6') => {
    const y = apply(batchNorm({ name: `${name}/norm`, epsilon: 1e-3 }), x)
    return kind ? apply(activation({ name: `${name}/relu`, activation: kind }), y) : y
  }
  const kernelInitializer = layers.initializers.glorotNormal({ seed: 1 })
  const shape = { kernelSize: 3, padding: 'same', useBias: false, kernelInitializer } as const
  let x = apply(conv2d({ ...shape, name: 'stem', filters: 4, strides: 2 }), input)
  x = normed(x, 'stem', 'relu6')
  let y = normed(
    apply(depthwiseConv2d({ ...shape, name: 'deep', depthwiseInitializer: kernelInitializer }), x),
    'deep',
    'relu',
  )
  y = normed(
    apply(conv2d({ ...shape, name: 'project', filters: 4, kernelSize: 1, useBias: true }), y),
    'project',
  )
  x = apply(add({ name: 'add' }), [x, y])
  x = apply(globalAveragePooling2d({ name: 'pool', dataFormat: 'channelsLast' }), x)
  const logits = apply(dense({ name: 'logits', units: 3, kernelInitializer }), x)
  return shaken(layers.model({ name: 'small', inputs: input, outputs: logits }))
}

onEachBackend(() => {
  test('the folded model predicts the same, has no batch norm, and has correct gradients', () => {
    const model = small()
    const folded = foldBatchNorm(model)
    expect(Object.keys(variablesOf(folded))).toEqual([
      'stem/kernel',
      'stem/bias',
      'deep/depthwise_kernel',
      'deep/bias',
      'project/kernel',
      'project/bias',
      'logits/kernel',
      'logits/bias',
    ])
    const x = images(9)
    const [expected, got] = [model, folded].map((each) => (each.predict(x) as tf.Tensor).dataSync())
    expect(largest(expected!, got!)).toBeLessThan(1e-4)

    // Compared with finite differences along the gradient.
    const loss = (of: layers.LayersModel) => (): tf.Scalar =>
      tf.sum(tf.square(of.apply(x, { training: true }) as tf.Tensor))
    const variables = variablesOf(folded)
    const { grads } = tf.variableGrads(loss(folded))
    const step = 1e-2
    for (const [path, variable] of Object.entries(variables)) {
      const gradient = grads[variable.name]!.dataSync()
      const before = variable.clone()
      const at = gradient.findIndex(
        (each) => Math.abs(each) === Math.max(...gradient.map(Math.abs)),
      )
      const moved = (by: number): number => {
        const values = before.dataSync().slice()
        values[at]! += by
        tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)))
        return loss(folded)().dataSync()[0]!
      }
      const slope = (moved(step) - moved(-step)) / (2 * step)
      variable.assign(before)
      expect(Math.abs(slope - gradient[at]!) / Math.abs(slope), path).toBeLessThan(0.02)
    }
  })
})

describe('foldBatchNorm', () => {
  afterAll(() => tf.disposeVariables())

  test.each([
    ['ResNet-18', () => resnet({ depth: 18, inputShape: [8, 8, 3], classes: 5 })],
    ['EfficientNet-Lite0', () => efficientNetLite({ inputShape: [32, 32, 3], classes: 5 })],
    ['plain', () => plain({ widths: [[3], [4]], inputShape: [8, 8, 3], classes: 5, dropout: 0.5 })],
  ])('leaves no batch norm in %s, and the exported model predicts the same', async (_, make) => {
    await tf.setBackend('wasm')
    const model = shaken(make())
    const folded = foldBatchNorm(model)
    expect(folded.layers.some((layer) => /BatchNorm/.test(layer.getClassName()))).toBe(false)
    const x = images(model.inputs[0]!.shape[1]!)
    const expected = (model.predict(x) as tf.Tensor).dataSync()
    const most = Math.max(...expected.map(Math.abs))
    expect(largest(expected, (folded.predict(x) as tf.Tensor).dataSync())).toBeLessThan(1e-3 * most)
    const files = await exportModel(folded, { mean: [0, 0, 0], deviation: [1, 1, 1] })
    expect(files['model.json']).not.toMatch(/Tricks/)
    const { modelTopology, weightsManifest } = JSON.parse(files['model.json']) as {
      modelTopology: object
      weightsManifest: [{ weights: tf.io.WeightsManifestEntry[] }]
    }
    const loaded = await layers.loadLayersModel(
      tf.io.fromMemory({
        modelTopology,
        weightSpecs: weightsManifest[0].weights,
        weightData: new Uint8Array(files['weights.bin']).buffer,
      }),
    )
    expect(largest(expected, (loaded.predict(x) as tf.Tensor).dataSync())).toBeLessThan(1e-3 * most)
  })

  test('keeps a batch norm that several layers read from, or that follows no convolution', () => {
    const input = layers.input({ shape: [4, 4, 3], name: 'images' })
    const first = batchNorm({ name: 'first' }).apply(input)
    const conv = layers.layers.conv2d({ name: 'conv', filters: 3, kernelSize: 1 }).apply(first)
    const norm = batchNorm({ name: 'second' }).apply(conv)
    const both = layers.layers.add({ name: 'both' }).apply([conv, norm] as layers.SymbolicTensor[])
    const model = layers.model({ inputs: input, outputs: both as layers.SymbolicTensor })
    const kinds = foldBatchNorm(model).layers.map((layer) => layer.getClassName())
    expect(kinds.filter((kind) => kind === 'TricksBatchNorm')).toHaveLength(2)
  })
})
