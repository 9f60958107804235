import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  countParameters,
  efficientNetLite,
  exportModel,
  mobileNetV2,
  pretrainedInputs,
} from '../src/index.ts'
import { descend, withModel } from './training.ts'

beforeAll(async () => void (await tf.setBackend('wasm')))
afterAll(async () => void (await tf.setBackend('cpu')))

test.each([
  // Millions of parameters, as timm lists them.
  [0, 224, 4.65],
  [1, 240, 5.42],
  [2, 260, 6.09],
  [3, 280, 8.2],
  [4, 300, 13.01],
] as const)(
  'EfficientNet-Lite%i has the published number of parameters',
  (variant, size, millions) => {
    withModel(efficientNetLite({ variant, weights: 'zeros' }), (model) => {
      expect(model.inputs[0]!.shape).toEqual([null, size, size, 3])
      expect(model.outputs[0]!.shape).toEqual([null, 1000])
      expect(countParameters(model) / 1e6).toBeCloseTo(millions, 2)
      const { features, size: published } = pretrainedInputs[`efficientnet-lite${variant}`]
      expect(model.getLayer(features).outputShape).toEqual([null, 1280])
      expect(published).toBe(size)
    })
  },
)

test('MobileNetV2 has the parameters of torchvision', () => {
  withModel(mobileNetV2({ weights: 'zeros' }), (model) => {
    expect(countParameters(model)).toBe(3_504_872)
    expect(model.getLayer('blocks16/project/norm').outputShape).toEqual([null, 7, 7, 320])
  })
})

test('blocks are numbered through the network, and layers are named by function', () => {
  withModel(efficientNetLite({ classes: 5, weights: 'zeros' }), (model) => {
    const names = model.layers.map(({ name }) => name)
    expect(names.filter((name) => /^(stem|blocks[02]|head)\//.test(name))).toEqual([
      'stem/conv',
      'stem/norm',
      'stem/relu',
      'blocks0/depthwise',
      'blocks0/depthwise/norm',
      'blocks0/depthwise/relu',
      'blocks0/project',
      'blocks0/project/norm',
      'blocks2/expand',
      'blocks2/expand/norm',
      'blocks2/expand/relu',
      'blocks2/depthwise',
      'blocks2/depthwise/norm',
      'blocks2/depthwise/relu',
      'blocks2/project',
      'blocks2/project/norm',
      'blocks2/add',
      'head/conv',
      'head/norm',
      'head/relu',
    ])
    expect(names.slice(-2)).toEqual(['pool', 'logits'])
    expect(model.getLayer('pool').outputShape).toEqual([null, 1280])
    expect(names).toContain('blocks15/project/norm')
  })
})

test('dropout comes before the logits', () => {
  withModel(efficientNetLite({ dropout: 0.2, weights: 'zeros' }), (model) =>
    expect(model.layers.slice(-3).map(({ name }) => name)).toEqual(['pool', 'dropout', 'logits']),
  )
})

describe('padding', () => {
  const padded = (model: LayersModel): string[] =>
    model.layers.map(({ name }) => name).filter((name) => name.endsWith('/pad'))
  const inputShape = [75, 64, 3] as const

  test('is left to the convolution if it supports the requested padding', () => {
    const options = { weights: 'zeros' } as const
    withModel(efficientNetLite(options), (model) => expect(padded(model)).toEqual([]))
    withModel(efficientNetLite({ ...options, inputShape: [96, 160, 3] }), (model) =>
      expect(padded(model)).toEqual([]),
    )
    withModel(efficientNetLite({ ...options, inputShape, padding: 'same' }), (model) =>
      expect(padded(model)).toEqual([]),
    )
    withModel(efficientNetLite({ ...options, inputShape }), (model) =>
      // 75 rows, 37, 18, 9: at 224 pixels each of these layers pads a row more below than above.
      expect(padded(model)).toEqual([
        'stem/conv/pad',
        'blocks1/depthwise/pad',
        'blocks5/depthwise/pad',
      ]),
    )
    withModel(mobileNetV2({ ...options, inputShape: [65, 65, 3] }), (model) =>
      expect(padded(model)).toEqual([]),
    )
  })

  test('of torch is half a kernel on each side', () => {
    withModel(mobileNetV2({ inputShape: [64, 64, 3] }), (model) => {
      const stem = layers.model({
        inputs: model.inputs,
        outputs: model.getLayer('stem/conv').output,
      })
      const [kernel] = model.getLayer('stem/conv').getWeights() as [tf.Tensor4D]
      const images = tf.randomNormal<tf.Rank.R4>([1, 64, 64, 3], 0, 1, 'float32', 1)
      const expected = tf.conv2d(images, kernel, 2, 1)
      const apart = tf.sub(stem.predict(images) as tf.Tensor, expected)
      expect(tf.max(tf.abs(apart)).dataSync()[0]).toBeLessThan(1e-5)
    })
  })
})

test.each<[string, () => LayersModel]>([
  ['EfficientNet-Lite0', () => efficientNetLite({ inputShape: [33, 40, 3], classes: 4 })],
  ['MobileNetV2', () => mobileNetV2({ inputShape: [33, 40, 3], classes: 4 })],
])('a step of %s reaches every variable and lowers the loss', (_, build) => {
  withModel(build(), (model) => {
    const [first, second] = descend(model, { rate: 0.001 })
    const unreached = Object.entries(first!.gradients).filter(([, size]) => !(size > 0))
    expect(unreached).toEqual([])
    expect(second!.loss).toBeLessThan(first!.loss)
  })
})

test('an exported EfficientNet-Lite is made of plain layers and predicts the same', async () => {
  const model = efficientNetLite({ inputShape: [33, 40, 3], classes: 4 })
  const { mean, deviation } = pretrainedInputs['efficientnet-lite0']
  const { 'model.json': topology, 'weights.bin': weights } = await exportModel(model, {
    mean,
    deviation,
  })
  expect(topology).not.toContain('Tricks')
  const { modelTopology, weightsManifest } = JSON.parse(topology) as {
    modelTopology: object
    weightsManifest: { weights: tf.io.WeightsManifestEntry[] }[]
  }
  const loaded = await layers.loadLayersModel(
    tf.io.fromMemory({
      modelTopology,
      weightSpecs: weightsManifest[0]!.weights,
      weightData: weights.slice().buffer,
    }),
  )
  const images = tf.randomUniform([2, 33, 40, 3], 0, 1, 'float32', 1)
  const expected = model.predict(tf.div(tf.sub(images, mean), deviation)) as tf.Tensor
  const found = loaded.predict(images) as tf.Tensor
  expect(tf.max(tf.abs(tf.sub(found, expected))).dataSync()[0]).toBeLessThan(1e-4)
  loaded.dispose()
  model.dispose()
})

test.each<[string, () => LayersModel]>([
  ['expected variant to be 0, 1, 2, 3, 4, got 5', () => efficientNetLite({ variant: 5 as never })],
  ['expected inputShape to be height, width', () => efficientNetLite({ inputShape: [0, 9, 3] })],
  [
    'efficientnet-lite0: expected inputShape to be larger, as blocks11/depthwise would return an empty image, got [16,16,3]',
    () => efficientNetLite({ inputShape: [16, 16, 3] }),
  ],
  [
    "expected padding to be 'trained' or 'same', got torch",
    () => efficientNetLite({ padding: 'torch' as never }),
  ],
  [
    "mobileNetV2: expected padding to be 'torch' or 'same'",
    () => mobileNetV2({ padding: 1 as never }),
  ],
])('%s', (message, build) => {
  const before = tf.memory().numTensors
  expect(build).toThrow(message)
  expect(tf.memory().numTensors).toBe(before)
})
