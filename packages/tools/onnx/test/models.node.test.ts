import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import {
  airbench,
  cifarResnet,
  efficientNetLite,
  foldBatchNorm,
  mobileNetV2,
  plain,
  preactResnet,
  resnet,
  resnet9,
  withNormalization,
} from '@tricks/models'
import { InferenceSession } from 'onnxruntime-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { quantizeWeights, toOnnx } from '../src/index.ts'
import { distance, expectSame, imagesFor, run, scatter } from './runtime.ts'

beforeAll(() => tf.setBackend('wasm'))
afterAll(() => tf.setBackend('cpu'))

const mean = [0.49, 0.48, 0.45]
const deviation = [0.25, 0.24, 0.26]

const models: [string, () => layers.LayersModel][] = [
  ['plain', () => plain({ widths: [[8], [8, 8]] })],
  ['plain without batch norm', () => plain({ widths: [[8], [8]], batchNorm: false, dropout: 0.1 })],
  ['resnet-8', () => cifarResnet({ depth: 8, width: 4 })],
  ['resnet-8 with projections', () => cifarResnet({ depth: 8, width: 4, shortcut: 'projection' })],
  [
    'resnet-8 with stochastic depth',
    () => cifarResnet({ depth: 8, width: 4, stochasticDepth: 0.5 }),
  ],
  ['preact-resnet-8', () => preactResnet({ depth: 8, width: 0.25 })],
  ['resnet-9', () => resnet9({ weights: 'zeros' })],
  ['airbench', () => airbench({ widths: [8, 8, 8] })],
  ['airbench with relu', () => airbench({ widths: [8, 8, 8], activation: 'relu' })],
  [
    'resnet-18 of odd images',
    () => resnet({ stem: 'imagenet', inputShape: [75, 65, 3], classes: 7, weights: 'zeros' }),
  ],
  [
    'efficientnet-lite0',
    () => efficientNetLite({ inputShape: [64, 64, 3], classes: 12, weights: 'zeros' }),
  ],
  [
    'efficientnet-lite0 of odd images',
    () => efficientNetLite({ inputShape: [75, 65, 3], padding: 'same', weights: 'zeros' }),
  ],
  [
    'folded efficientnet-lite0',
    () => foldBatchNorm(efficientNetLite({ inputShape: [64, 64, 3], weights: 'zeros' })),
  ],
  ['mobilenet-v2', () => mobileNetV2({ inputShape: [64, 64, 3], classes: 7, weights: 'zeros' })],
  [
    'resnet-18 that pads as torch',
    () =>
      resnet({
        stem: 'imagenet',
        padding: 'torch',
        inputShape: [64, 75, 3],
        classes: 7,
        weights: 'zeros',
      }),
  ],
]

test.each(models)(
  '%s: ONNX Runtime agrees with float32 weights, and nearly with int8 weights',
  async (_, build) => {
    const model = build()
    scatter(model)
    const options = { mean, deviation }
    const bytes = await toOnnx(model, options)
    const small = await toOnnx(model, { ...options, weights: 'int8' })
    const normalizing = withNormalization(model, options)
    await expectSame(bytes, normalizing)
    const images = imagesFor(model)
    const before = normalizing.predict(images) as tf.Tensor
    quantizeWeights(normalizing)
    await expectSame(small, normalizing)
    const apart = distance(normalizing.predict(images) as tf.Tensor, before)
    expect(apart).toBeGreaterThan(1e-5)
    expect(apart).toBeLessThan(0.1)
    if (bytes.length > 1e6) expect(small.length).toBeLessThan(0.27 * bytes.length)
    model.dispose()
    normalizing.dispose()
  },
)

const small = (): layers.LayersModel => {
  const model = plain({ widths: [[4], [8]], inputShape: [8, 6, 3], classes: 3 })
  scatter(model)
  return model
}

test('accepts channels first, outputs probabilities, and stores the class names', async () => {
  const model = small()
  const images = imagesFor(model)
  const classes = ['rose', 'Gänseblümchen', 'tulip']
  const bytes = await toOnnx(model, {
    mean,
    deviation,
    layout: 'nchw',
    output: 'probabilities',
    classes,
  })
  const got = await run(bytes, tf.transpose(images, [0, 3, 1, 2]))
  const normalizing = withNormalization(model, { mean, deviation, output: 'probabilities' })
  expect(distance(got, normalizing.predict(images) as tf.Tensor)).toBeLessThan(1e-5)
  expect(Buffer.from(bytes).includes(JSON.stringify(classes))).toBe(true)
})

test('a model with folded batch norm that normalises its images itself', async () => {
  const model = small()
  const folded = foldBatchNorm(model)
  await expectSame(await toOnnx(folded), model)
})

test('documents its input and output', async () => {
  const session = await InferenceSession.create(await toOnnx(small()))
  expect(session.inputMetadata).toMatchObject([
    { name: 'images', type: 'float32', shape: ['batch', 8, 6, 3] },
  ])
  expect(session.outputMetadata).toMatchObject([
    { name: 'logits', type: 'float32', shape: ['batch', 3] },
  ])
})

test('accepts images of any size if the model does', async () => {
  const { conv2d, dense, globalAveragePooling2d, maxPooling2d } = layers.layers
  const model = layers.sequential({
    layers: [
      conv2d({
        filters: 4,
        kernelSize: 4,
        strides: 3,
        padding: 'same',
        inputShape: [null, null, 3],
      }),
      maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      globalAveragePooling2d({}),
      dense({ units: 2 }),
    ],
  })
  scatter(model)
  const bytes = await toOnnx(model)
  for (const size of [15, 16, 31]) {
    const images = imagesFor(model, size)
    expect(distance(await run(bytes, images), model.predict(images) as tf.Tensor)).toBeLessThan(
      1e-5,
    )
  }
})
