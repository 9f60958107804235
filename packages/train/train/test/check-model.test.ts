import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Model, openRun, train, type TrainOptions } from '../src/index.ts'
import { blobs } from './blobs.ts'

const options = (model: Model): TrainOptions => ({
  model,
  data: { train: blobs(60) },
  optimizer: tf.train.sgd(0.1),
  epochs: 1,
  batchSize: 16,
})

beforeEach(async () => {
  await tf.setBackend('cpu')
})

class SpelledOut extends layers.layers.Layer {
  static readonly className = 'CheckModelTestWrittenOut'
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = Array.isArray(inputs) ? inputs[0]! : inputs
      const powers = tf.exp(tf.sub(x, tf.max(x, 1, true)))
      return tf.div(powers, tf.sum(powers, 1, true))
    })
  }
}

const { activation, average, dense, flatten, softmax } = layers.layers
const kernelInitializer = layers.initializers.glorotUniform({ seed: 7 })
const logits = (): layers.layers.Layer => dense({ units: 3, kernelInitializer })
const net = (...end: layers.layers.Layer[]): Model =>
  layers.sequential({ layers: [flatten({ inputShape: [4, 4, 3] }), ...end] })
const functional = (head: (x: layers.SymbolicTensor) => layers.SymbolicTensor): Model => {
  const inputs = layers.input({ shape: [4, 4, 3] })
  return layers.model({ inputs, outputs: head(flatten().apply(inputs) as layers.SymbolicTensor) })
}
const head = (end: layers.layers.Layer): layers.Sequential =>
  layers.sequential({ layers: [dense({ units: 3, inputShape: [48] }), end] })
const of = (layer: layers.layers.Layer, x: layers.SymbolicTensor): layers.SymbolicTensor =>
  layer.apply(x) as layers.SymbolicTensor
const bare = (end: (x: tf.Tensor2D) => tf.Tensor, kernel?: tf.Tensor2D): Model => {
  const weights = tf.variable(kernel ?? tf.randomNormal<tf.Rank.R2>([48, 3], 0, 0.2, 'float32', 3))
  return {
    apply: (images) =>
      tf.tidy(() => end(tf.matMul(tf.reshape<tf.Rank.R2>(images, [-1, 48]), weights))),
    variables: { weights },
  }
}
const rowsOf = (values: tf.Tensor): tf.Tensor => tf.div(values, tf.sum(values, 1, true))

const softmaxes: [string, () => Model][] = [
  ['a dense layer', () => net(dense({ units: 3, activation: 'softmax' }))],
  ['a softmax layer', () => net(logits(), softmax())],
  ['an activation layer', () => net(logits(), activation({ activation: 'softmax' }))],
  ['a nested head', () => net(head(softmax()))],
  ['a functional model', () => functional((x) => of(softmax(), of(logits(), x)))],
  ['a functional model with a nested head', () => functional((x) => of(head(softmax()), x))],
  ['a function', () => bare((x) => tf.softmax(x))],
]
const sigmoids: [string, () => Model][] = [
  ['a dense layer', () => net(dense({ units: 3, activation: 'sigmoid' }))],
  ['an activation layer', () => net(logits(), activation({ activation: 'sigmoid' }))],
  ['a nested head', () => net(head(activation({ activation: 'sigmoid' })))],
  ['a function', () => bare((x) => tf.sigmoid(x))],
]

describe.each([
  ['softmax', softmaxes],
  ['sigmoid', sigmoids],
] as const)('rejects a %s', (name, models) => {
  test.each(models)('for %s', async (_, model) => {
    const message = `train: the model ends in a ${name}, but the losses take logits: remove the activation`
    expect(() => openRun(options(model()))).toThrow(message)
    await expect(train(options(model()))).rejects.toThrow(message)
  })
})

describe('rejects probabilities computed in another way', () => {
  const both = 'but the losses take logits: remove the '
  test.each<[string, () => Model, string]>([
    [
      'a softmax written out in a layer',
      () => net(logits(), new SpelledOut({})),
      `rows that sum to 1, ${both}softmax`,
    ],
    [
      'a softmax written out in a function',
      () => bare((x) => rowsOf(tf.exp(x))),
      'rows that sum to 1',
    ],
    [
      'the mean of two models',
      () =>
        functional(
          (x) =>
            average().apply([
              of(head(softmax()), x),
              of(head(softmax()), x),
            ]) as layers.SymbolicTensor,
        ),
      'rows that sum to 1',
    ],
    [
      'a sigmoid written out',
      () => bare((x) => tf.div(1, tf.add(1, tf.exp(tf.neg(x))))),
      `only values in [0, 1], as a sigmoid does, ${both}activation`,
    ],
    [
      'a hard sigmoid',
      () => net(dense({ units: 3, activation: 'hardSigmoid', kernelInitializer })),
      'only values in [0, 1]',
    ],
  ])('%s', async (_, model, message) => {
    await expect(train(options(model()))).rejects.toThrow(message)
  })
})

describe('accepts any logits', () => {
  const positive = tf.fill<tf.Rank.R2>([48, 3], 0.01)
  test.each<[string, () => Model]>([
    ['a dense layer', () => net(logits())],
    ['zeros', () => net(dense({ units: 3, kernelInitializer: 'zeros' }))],
    ['relu', () => net(dense({ units: 3, activation: 'relu', kernelInitializer }))],
    ['tanh', () => net(dense({ units: 3, activation: 'tanh', kernelInitializer }))],
    ['log-probabilities', () => bare((x) => tf.logSoftmax(x))],
    ['a scaled sigmoid', () => bare((x) => tf.mul(tf.sigmoid(x), 20))],
    ['a sigmoid inside', () => net(dense({ units: 4, activation: 'sigmoid' }), logits())],
    ['numbers in [0, 1] for these images', () => bare((x) => x, positive)],
    ['rows of unit length', () => bare((x) => tf.div(x, tf.norm(x, 2, 1, true)))],
    ['values that overflow for bright images', () => bare((x) => tf.exp(tf.exp(tf.mul(x, 0.1))))],
  ])('%s', async (_, model) => {
    const { stopped } = await train({ ...options(model()), optimizer: tf.train.sgd(1e-6) })
    expect(stopped).toBe('finished')
  })

  test('leaves no tensor behind, even for rejected models', async () => {
    const given = { ...options(net(logits())), optimizer: tf.train.sgd(0.1) }
    await train(given)
    const rejected = options(net(logits(), new SpelledOut({})))
    const before = tf.memory().numTensors
    await train(given)
    await expect(train(rejected)).rejects.toThrow('sum to 1')
    expect(tf.memory().numTensors).toBe(before)
  })
})
