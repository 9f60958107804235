import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  airbench,
  cifarResnet,
  countParameters,
  createModel,
  modelNames,
  preactResnet,
  resnet,
  resnet9,
  wideResnet,
} from '../src/index.ts'
import { descend, withModel } from './training.ts'

describe('parameters', () => {
  // He et al. 2016, table 6 (in millions); the counts are those of the architecture written out.
  test.each([
    [20, 269_722, 0.27],
    [32, 464_154, 0.46],
    [44, 658_586, 0.66],
    [56, 853_018, 0.85],
    [110, 1_727_962, 1.7],
  ])('resnet-%i for CIFAR has %i parameters, as in the paper', (depth, count, millions) => {
    withModel(cifarResnet({ depth, weights: 'zeros' }), (model) => {
      expect(countParameters(model)).toBe(count)
      expect(Math.abs(count / 1e6 - millions)).toBeLessThan(0.03)
    })
  })

  test('projections add parameters', () => {
    withModel(cifarResnet({ shortcut: 'projection', weights: 'zeros' }), (model) => {
      expect(countParameters(model)).toBe(269_722 + 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64)
    })
  })

  test('frozen weights are not counted, including in nested models', () => {
    const [base, head] = [
      layers.layers.dense({ units: 3, inputShape: [4] }),
      layers.layers.dense({ units: 2 }),
    ]
    const nested = layers.sequential({ layers: [base] })
    withModel(layers.sequential({ layers: [nested, head] }), (model) => {
      expect(countParameters(model)).toBe(15 + 8)
      nested.trainable = false
      expect(countParameters(model)).toBe(8)
      nested.trainable = true
      base.trainable = false
      tf.dispose(model.predict(tf.zeros([1, 4])))
      expect(countParameters(model)).toBe(8)
    })
  })

  // The counts of torchvision's models.
  test.each([
    [18, 11_689_512],
    [34, 21_797_672],
    [50, 25_557_032],
    [101, 44_549_160],
    [152, 60_192_808],
  ] as const)('resnet-%i for ImageNet has %i parameters, as in torchvision', (depth, count) => {
    withModel(resnet({ depth, stem: 'imagenet', weights: 'zeros' }), (model) => {
      expect(countParameters(model)).toBe(count)
      expect(model.inputs[0]!.shape).toEqual([null, 224, 224, 3])
      expect(model.outputs[0]!.shape).toEqual([null, 1000])
      expect(model.getLayer('stem/pool').outputShape).toEqual([null, 56, 56, 64])
      expect((model.getLayer('pool').input as { shape: number[] }).shape.slice(1, 3)).toEqual([
        7, 7,
      ])
    })
  })

  test.each<[string, () => LayersModel, number]>([
    // Zagoruyko and Komodakis 2016: 36.5 M and 2.7 M.
    ['wrn-28-10', () => wideResnet({ weights: 'zeros' }), 36_479_194],
    ['wrn-16-4', () => wideResnet({ depth: 16, width: 4, weights: 'zeros' }), 2_748_890],
    ['resnet-9', () => resnet9({ weights: 'zeros' }), 6_573_120],
    ['resnet-18 with the CIFAR stem', () => resnet({ weights: 'zeros' }), 11_173_962],
  ])('%s has the expected parameters', (_, build, count) => {
    withModel(build(), (model) => expect(countParameters(model)).toBe(count))
  })

  test('airbench trains only convolutions, biases and the dense layer', () => {
    withModel(airbench({ weights: 'zeros' }), (model) => {
      const convolutions = 24 * 64 + 64 * 64 + 64 * 256 + 256 * 256 + 2 * 256 * 256
      expect(countParameters(model)).toBe(
        12 * 24 + 24 + 9 * convolutions + 2 * (64 + 256 + 256) + 256 * 10,
      )
    })
  })
})

test.each(modelNames)('%s returns one logit per class for another image shape', (name) => {
  const options = { inputShape: [48, 40, 1] as const, classes: 7, weights: 'zeros' as const }
  withModel(createModel(name, options), (model) => {
    expect(model.inputs[0]!.shape).toEqual([null, 48, 40, 1])
    expect(model.outputs[0]!.shape).toEqual([null, 7])
    const unnamed = model.layers.filter((layer) => /_[A-Z]\w*\d+$/.test(layer.name))
    expect(unnamed).toEqual([])
  })
})

test.each([
  'plain',
  'resnet-20',
  'preact-resnet-20',
  'resnet-9',
  'airbench',
  'efficientnet-lite0',
  'mobilenet-v2',
] as const)('%s accepts images of other sizes than it was built for', (name) => {
  withModel(createModel(name, { inputShape: [32, 32, 3], classes: 5, seed: 1 }), (model) => {
    for (const [height, width] of [
      [24, 20],
      [40, 33],
    ] as const) {
      const logits = model.apply(tf.randomUniform([2, height, width, 3], 0, 1, 'float32', 1))
      expect((logits as tf.Tensor).shape).toEqual([2, 5])
    }
  })
})

test.each([
  ['airbench', 'maximum', tf.max],
  ['resnet-9', 'maximum', tf.max],
  ['resnet-20', 'mean', tf.mean],
] as const)('the last pooling of %s is a %s over all positions', (name, _, over) => {
  withModel(createModel(name, { seed: 1 }), (model) => {
    const pool = model.getLayer('pool')
    const inner = layers.model({
      inputs: model.inputs,
      outputs: [pool.input as layers.SymbolicTensor, pool.output as layers.SymbolicTensor],
    })
    const images = tf.randomUniform([2, 40, 44, 3], 0, 1, 'float32', 1)
    const [features, pooled] = inner.apply(images) as [tf.Tensor, tf.Tensor]
    const expected = [...over(features, [1, 2]).dataSync()]
    pooled.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5))
  })
})

test.each(['resnet-20', 'preact-resnet-20', 'resnet-9', 'airbench', 'resnet-18'] as const)(
  'the initial weights of %s depend only on the seed',
  (name) => {
    const convolutions = (seed: number): Float32Array[] =>
      withModel(createModel(name, { seed }), (model) =>
        model.weights
          .filter(({ originalName }) => originalName.endsWith('kernel'))
          .map((weight) => weight.read().dataSync<'float32'>().slice()),
      )
    const first = convolutions(1)
    expect(convolutions(1)).toEqual(first)
    // Airbench's square second convolutions start as the identity, without random values.
    const drawn = convolutions(2).filter((kernel, i) => kernel.some((x, k) => x !== first[i]![k]))
    expect(drawn.length).toBe(name === 'airbench' ? 4 : first.length)
  },
)

describe('a step', () => {
  beforeAll(async () => {
    await tf.setBackend('wasm')
  })
  afterAll(async () => {
    await tf.setBackend('cpu')
  })

  test.each<[string, () => LayersModel]>([
    ['resnet-20', () => createModel('resnet-20')],
    ['resnet-20 with projections', () => createModel('resnet-20', { shortcut: 'projection' })],
    ['resnet-56', () => createModel('resnet-56')],
    ['preact-resnet-20', () => createModel('preact-resnet-20')],
    ['preact-resnet-20, twice as wide', () => preactResnet({ width: 2 })],
    ['wrn-10-2', () => wideResnet({ depth: 10, width: 2 })],
    ['resnet-9', () => createModel('resnet-9')],
    ['airbench', () => createModel('airbench')],
    ['resnet-18', () => createModel('resnet-18', { inputShape: [16, 16, 3] })],
    ['resnet-50', () => createModel('resnet-50', { inputShape: [8, 8, 3] })],
    ['resnet-18 for ImageNet', () => resnet({ stem: 'imagenet', inputShape: [64, 64, 3] })],
  ])('of %s reaches every variable and lowers the loss', (_, build) => {
    withModel(build(), (model) => {
      const [first, second] = descend(model, { rate: 0.01 })
      const unreached = Object.entries(first!.gradients).filter(([, size]) => !(size > 0))
      expect(unreached).toEqual([])
      expect(first!.loss).toBeLessThan(8)
      expect(second!.loss).toBeLessThan(first!.loss)
    })
  })

  test.each<[string, () => LayersModel, RegExp]>([
    ['resnet-20', () => cifarResnet({ zeroInitResidual: true }), /block\d+\/norm2\/gamma/],
    ['preact-resnet-20', () => preactResnet({ zeroInitResidual: true }), /block\d+\/conv2\/kernel/],
    [
      'resnet-50',
      () => resnet({ depth: 50, inputShape: [8, 8, 3], zeroInitResidual: true }),
      /block\d+\/norm3\/gamma/,
    ],
  ])('of %s with branches initialized to 0 moves them away from 0', (_, build, zero) => {
    withModel(build(), (model) => {
      const starts = model.trainableWeights.filter(({ originalName }) => zero.test(originalName))
      const sizes = (): number[] =>
        starts.map((weight) => tf.tidy(() => tf.max(tf.abs(weight.read())).dataSync()[0]!))
      expect(starts.length).toBeGreaterThan(1)
      expect(Math.max(...sizes())).toBe(0)
      descend(model, { steps: 1 })
      expect(Math.min(...sizes())).toBeGreaterThan(0)
    })
  })
})

test('a padding shortcut passes every second pixel, and zeros for new channels', () => {
  withModel(cifarResnet({ depth: 8, width: 2, zeroInitResidual: true }), (model) => {
    // With each branch at 0, a block is the relu of its shortcut.
    const images = tf.randomNormal([2, 32, 32, 3], 0, 1, 'float32', 1)
    const at = (name: string): tf.Tensor4D =>
      layers
        .model({ inputs: model.inputs, outputs: model.getLayer(name).output })
        .predict(images) as tf.Tensor4D
    const before = at('stage1/block1/relu')
    const after = at('stage2/block1/relu')
    expect(after.shape).toEqual([2, 16, 16, 4])
    const kept = tf.stridedSlice(before, [0, 0, 0, 0], before.shape, [1, 2, 2, 1])
    const expected = tf.concat([kept, tf.zerosLike(kept)], 3)
    expect(after.dataSync()).toEqual(expected.dataSync())
  })
})

test('airbench initially passes its channels through', () => {
  withModel(airbench({ seed: 2 }), (model) => {
    const kernel = model.getLayer('block2/conv1').weights[0]!.read() as tf.Tensor4D
    const impulse = tf.reshape(tf.oneHot(tf.tensor1d([5], 'int32'), 64), [1, 1, 1, 64])
    const image = tf.pad(tf.cast(impulse, 'float32'), [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]) as tf.Tensor4D
    const passed = tf.conv2d(image, kernel, 1, 'same')
    const own = tf.slice(passed, [0, 0, 0, 0], [1, 3, 3, 64])
    expect(own.dataSync()).toEqual(image.dataSync())
    const others = tf.slice(passed, [0, 0, 0, 64], [1, 3, 3, 192])
    expect(tf.moments(others).variance.dataSync()[0]! * 9 * 64 * 3).toBeCloseTo(1, 0)
  })
})

test.each<[string, () => LayersModel]>([
  ['cifarResnet: expected depth to be 6n + 2', () => cifarResnet({ depth: 21 })],
  ['cifarResnet: expected width to be a positive integer', () => cifarResnet({ width: 0 })],
  ["cifarResnet: expected shortcut to be 'pad' or", () => cifarResnet({ shortcut: 'C' as never })],
  ['resnet: expected depth to be 18, 34, 50, 101, 152', () => resnet({ depth: 20 as never })],
  ["resnet: expected stem to be 'cifar' or 'imagenet'", () => resnet({ stem: 'none' as never })],
  ['preactResnet: expected depth to be 6n + 2', () => preactResnet({ depth: 0 })],
  ['preactResnet: expected width to be positive', () => preactResnet({ width: 0.01 })],
  ['wideResnet: expected depth to be 6n + 4', () => wideResnet({ depth: 20 })],
  ['resnet: expected depth to be 18, 34', () => resnet({ depth: '18' as never })],
  ['preactResnet: expected width to be pos', () => preactResnet({ width: '1' as never })],
  ['wideResnet: expected depth to be 6n', () => wideResnet({ depth: '28' as never })],
  ['resnet9: expected options to be some of', () => resnet9({ widths: [3] } as never)],
  [
    'cifarResnet: expected options to be some of',
    () => createModel('resnet-20', { wide: 3 } as never),
  ],
  ['airbench: expected momentum to be a', () => airbench({ momentum: 1 })],
  ['airbench: expected activation to be', () => airbench({ activation: 'tanh' as never })],
  ['airbench: expected widths to be three', () => airbench({ widths: [1, 2] as never })],
  ['airbench: expected inputShape to be at least 9', () => airbench({ inputShape: [8, 8, 3] })],
])('%s', (message, build) => {
  expect(build).toThrow(message)
})
