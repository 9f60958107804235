import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { batchNorm } from '@tricks/batch-norm'
import { dropout } from '@tricks/dropout'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { quantizeWeights, toOnnx } from '../src/index.ts'
import { expectSame, scatter } from './runtime.ts'

beforeAll(() => tf.setBackend('wasm'))
afterAll(() => tf.setBackend('cpu'))

const { layers: make } = layers
type Layer = layers.layers.Layer
const conv = (options: object = {}): Layer => make.conv2d({ filters: 4, kernelSize: 3, ...options })

/** Layers on images of 9 × 7 with 4 channels, followed by a dense layer. */
const alone: [string, Layer[]][] = [
  ['same padding, stride 2', [conv({ strides: 2, padding: 'same' })]],
  [
    'same padding, stride 3, kernel size 2',
    [conv({ strides: 3, kernelSize: [2, 5], padding: 'same' })],
  ],
  ['dilation', [conv({ dilationRate: 2, padding: 'same' })]],
  [
    'depthwise',
    [make.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: 'same' }), batchNorm()],
  ],
  ['depthwise, strided', [make.depthwiseConv2d({ kernelSize: 5, strides: 2, padding: 'same' })]],
  [
    'separable',
    [make.separableConv2d({ filters: 5, kernelSize: 3, depthMultiplier: 2, activation: 'relu' })],
  ],
  ['a separate norm', [make.reLU(), make.batchNormalization({ scale: false }), batchNorm()]],
  ['a norm after an activation', [conv({ activation: 'relu6' }), batchNorm()]],
  [
    'a norm on features',
    [make.flatten(), make.dense({ units: 6 }), batchNorm(), make.reshape({ targetShape: [1, 6] })],
  ],
  ['layer norm', [make.layerNormalization({ epsilon: 1e-6 })]],
  ['dense on pixels', [make.dense({ units: 6, activation: 'gelu' }), batchNorm()]],
  [
    'padding',
    [
      make.zeroPadding2d({
        padding: [
          [1, 2],
          [0, 3],
        ],
      }),
      conv(),
    ],
  ],
  [
    'padding channels',
    [
      make.zeroPadding2d({
        padding: [
          [0, 0],
          [1, 2],
        ],
        dataFormat: 'channelsFirst',
      }),
    ],
  ],
  [
    'cropping',
    [
      make.cropping2D({
        cropping: [
          [1, 0],
          [2, 3],
        ],
      }),
    ],
  ],
  ['max-pool', [make.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' })]],
  ['average pool', [make.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' })]],
  ['global maximum', [make.globalMaxPooling2d({})]],
  [
    'reshaped',
    [make.reshape({ targetShape: [7, 6, 6] }), conv(), make.reshape({ targetShape: [4, 20] })],
  ],
  ['rescaled', [make.rescaling({ scale: 2, offset: -1 })]],
  ['leaky relu', [make.leakyReLU({ alpha: 0.1 })]],
  ['relu6 as a layer', [make.reLU({ maxValue: 6 })]],
  ['elu', [make.elu()]],
  [
    'dropouts',
    [make.dropout({ rate: 0.5 }), dropout({ rate: 0.5 }), make.gaussianNoise({ stddev: 1 })],
  ],
  ...(
    [
      'elu',
      'gelu',
      'hardSigmoid',
      'logSoftmax',
      'mish',
      'relu6',
      'selu',
      'sigmoid',
      'softmax',
      'softplus',
      'softsign',
      'swish',
      'tanh',
    ] as const
  ).map((activation): [string, Layer[]] => [
    activation,
    [make.activation({ activation: activation as 'elu' })],
  ]),
]

const inputShape = [9, 7, 4]
function stack(inner: Layer[], shape: (number | null)[] = inputShape): layers.LayersModel {
  const first = make.rescaling({ inputShape: shape, scale: 6, offset: -3 })
  const flat = inner.at(-1)?.getClassName()?.startsWith('Global') ? [] : [make.flatten()]
  return layers.sequential({ layers: [first, ...inner, ...flat, make.dense({ units: 3 })] })
}

test.each(alone)('%s', async (_, inner) => {
  const model = stack(inner)
  scatter(model)
  await expectSame(await toOnnx(model), model)
  quantizeWeights(model)
  await expectSame(await toOnnx(model, { weights: 'int8' }), model)
  model.dispose()
})

type Tensor = layers.SymbolicTensor
const joined: [string, (a: Tensor, b: Tensor) => unknown][] = [
  ['add', (a, b) => make.add().apply([a, b, a])],
  ['multiply', (a, b) => make.multiply().apply([a, b, a])],
  ['average', (a, b) => make.average().apply([a, b, a])],
  ['maximum', (a, b) => make.maximum().apply([a, b])],
  ['minimum', (a, b) => make.minimum().apply([a, b])],
  ['concatenate', (a, b) => make.concatenate().apply([a, b])],
  ['concatenate rows', (a, b) => make.concatenate({ axis: 1 }).apply([a, b])],
  ['a norm and its input', (a, b) => make.add().apply([batchNorm().apply(a) as Tensor, a, b])],
  [
    'a layer used twice',
    (a, b) =>
      [conv()].map((layer) =>
        make.add().apply([layer.apply(a) as Tensor, layer.apply(b) as Tensor]),
      )[0],
  ],
  [
    'a model as a layer',
    (a) =>
      stack([conv(), batchNorm()], [9, 7, 4]).apply(
        make.activation({ activation: 'tanh' }).apply(a),
      ),
  ],
  [
    'gates',
    (a) =>
      make
        .multiply()
        .apply([
          a,
          make
            .reshape({ targetShape: [1, 1, 4] })
            .apply(make.globalAveragePooling2d({}).apply(a)) as Tensor,
        ]),
  ],
]

test.each(joined)('joins: %s', async (_, join) => {
  const input = layers.input({ shape: inputShape })
  const a = conv({ padding: 'same' }).apply(input) as Tensor
  const y = join(a, make.activation({ activation: 'relu' }).apply(input) as Tensor) as Tensor
  const flat = y.shape.length === 4 ? (make.flatten().apply(y) as Tensor) : y
  const model = layers.model({
    inputs: input,
    outputs: make.dense({ units: 2 }).apply(flat) as Tensor,
  })
  scatter(model)
  await expectSame(await toOnnx(model), model)
  model.dispose()
})

class Unknown extends layers.layers.Layer {
  static readonly className = 'Unknown'
}

const rejected: [string, () => layers.LayersModel, string][] = [
  [
    'a layer',
    () => stack([new Unknown({ name: 'odd' })]),
    "onnx: odd is a Unknown, which can't be exported: build the model from Activation, ",
  ],
  [
    'upsampling',
    () => stack([make.upSampling2d({ name: 'up' })]),
    "onnx: up is a UpSampling2D, which can't be exported",
  ],
  [
    'channels first',
    () => stack([conv({ name: 'conv', dataFormat: 'channelsFirst' })]),
    "onnx: conv (Conv2D) expects channels first, which can't be exported: set its dataFormat to 'channelsLast'",
  ],
  [
    'a norm over rows',
    () => stack([make.batchNormalization({ name: 'norm', axis: 1 })]),
    'onnx: norm normalises axis 1 of 4',
  ],
  [
    'a layer norm over images',
    () => stack([make.layerNormalization({ name: 'norm', axis: [1, 2, 3] })]),
    'onnx: norm normalises the axes 1, 2, 3',
  ],
  [
    'dense on rows',
    () => stack([make.reshape({ targetShape: [9, 28] }), make.dense({ name: 'rows', units: 2 })]),
    "onnx: rows is a dense layer on 3 axes, which can't be exported: flatten its input",
  ],
]

test.each(rejected)('rejects %s, with a remedy', async (_, build, message) => {
  await expect(toOnnx(build())).rejects.toThrow(message)
})

test('rejects options that are out of range', async () => {
  const model = stack([])
  await expect(toOnnx(model, { mean: [0.5, 0.5, 0.5, 0.5] })).rejects.toThrow(
    'onnx: expected mean and deviation together, got mean alone: pass both',
  )
  await expect(toOnnx(model, { weights: 'int4' as never })).rejects.toThrow(
    'onnx: expected weights to be float32 or int8, got int4',
  )
  await expect(toOnnx(model, { layout: 'chw' as never })).rejects.toThrow(
    'onnx: expected layout to be nhwc or nchw, got chw',
  )
  await expect(toOnnx(model, { output: 'classes' as never })).rejects.toThrow(
    'onnx: expected output to be logits or probabilities, got classes',
  )
  await expect(toOnnx(model, { classes: ['a', 'b'] })).rejects.toThrow(
    'onnx: expected classes to be 3 names, one per output, got ["a","b"]',
  )
})
