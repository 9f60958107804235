import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { beforeEach, describe, expect, test } from 'vitest'
import { finalActivation } from '../src/model.ts'

beforeEach(async () => {
  await tf.setBackend('cpu')
})

const images = tf.randomUniform<tf.Rank.R4>([2, 4, 4, 1], 0, 1, 'float32', 1)
const x = tf.tensor2d([
  [1, -2, 3],
  [0, 5, 0.5],
])

class Squash extends layers.layers.Layer {
  static readonly className = 'ActivationTestSquash'
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.softmax(Array.isArray(inputs) ? inputs[0]! : inputs)
  }
}

const { activation, dense, flatten, softmax } = layers.layers
const net = (...end: layers.layers.Layer[]): layers.LayersModel =>
  layers.sequential({ layers: [flatten({ inputShape: [4, 4, 1] }), ...end] })
const input = (): layers.SymbolicTensor => layers.input({ shape: [4, 4, 1] })
const functional = (
  build: (features: layers.SymbolicTensor) => layers.SymbolicTensor,
): layers.LayersModel => {
  const inputs = input()
  const features = flatten().apply(inputs) as layers.SymbolicTensor
  return layers.model({ inputs, outputs: build(features) })
}
const of = (layer: layers.layers.Layer, ...given: layers.SymbolicTensor[]): layers.SymbolicTensor =>
  layer.apply(given.length === 1 ? given[0]! : given) as layers.SymbolicTensor
const head = (...end: layers.layers.Layer[]): layers.Sequential =>
  layers.sequential({ layers: [dense({ units: 3, inputShape: [16] }), ...end] })

describe('for a model', () => {
  const models: [string, () => layers.LayersModel, 'softmax' | 'sigmoid' | undefined][] = [
    ['dense', () => net(dense({ units: 3 })), undefined],
    ['dense, relu', () => net(dense({ units: 3, activation: 'relu' })), undefined],
    [
      'a sigmoid inside',
      () => net(dense({ units: 3, activation: 'sigmoid' }), dense({ units: 3 })),
      undefined,
    ],
    ['dense, softmax', () => net(dense({ units: 3, activation: 'softmax' })), 'softmax'],
    ['dense, sigmoid', () => net(dense({ units: 3, activation: 'sigmoid' })), 'sigmoid'],
    ['a softmax layer', () => net(dense({ units: 3 }), softmax()), 'softmax'],
    [
      'an activation layer',
      () => net(dense({ units: 3 }), activation({ activation: 'sigmoid' })),
      'sigmoid',
    ],
    ['a custom layer', () => net(dense({ units: 3 }), new Squash({})), 'softmax'],
    [
      'dropout after it',
      () => net(dense({ units: 3 }), softmax(), layers.layers.dropout({ rate: 0.5 })),
      'softmax',
    ],
    [
      'a reshape after it',
      () => net(dense({ units: 3 }), softmax(), layers.layers.reshape({ targetShape: [3] })),
      'softmax',
    ],
    ['a nested head', () => net(head(softmax())), 'softmax'],
    ['a head nested twice', () => net(layers.sequential({ layers: [head(), head2()] })), 'sigmoid'],
    [
      'functional',
      () => functional((features) => of(softmax(), of(dense({ units: 3 }), features))),
      'softmax',
    ],
    ['a functional head', () => functional((features) => of(head(softmax()), features)), 'softmax'],
    [
      'one sigmoid per class, joined',
      () =>
        functional((features) =>
          of(
            layers.layers.concatenate(),
            ...[1, 2, 3].map(() => of(dense({ units: 1, activation: 'sigmoid' }), features)),
          ),
        ),
      'sigmoid',
    ],
    [
      'a map of classes, averaged',
      () =>
        layers.sequential({
          layers: [
            layers.layers.conv2d({
              filters: 3,
              kernelSize: 2,
              activation: 'softmax',
              inputShape: [4, 4, 1],
            }),
            layers.layers.globalAveragePooling2d({}),
          ],
        }),
      'softmax',
    ],
    [
      'a gate',
      () =>
        functional((features) =>
          of(
            layers.layers.multiply(),
            of(dense({ units: 3, activation: 'sigmoid' }), features),
            of(dense({ units: 3 }), features),
          ),
        ),
      undefined,
    ],
  ]
  const head2 = (): layers.Sequential =>
    layers.sequential({ layers: [dense({ units: 3, activation: 'sigmoid', inputShape: [3] })] })
  test.each(models)('%s', (_, build, expected) => {
    const model = build()
    const { numTensors } = tf.memory()
    const { outputs, activation: found } = finalActivation(
      () => model.apply(images, { training: false }) as tf.Tensor,
    )
    expect(found).toBe(expected)
    expect([...outputs.dataSync()]).toEqual([
      ...tf.tidy(() => (model.predict(images) as tf.Tensor).dataSync()),
    ])
    outputs.dispose()
    expect(tf.memory().numTensors).toBe(numTensors)
    model.dispose()
  })
})

test('for a function', () => {
  const activationOf = (forward: () => unknown): string | undefined =>
    finalActivation(forward).activation
  expect(activationOf(() => tf.softmax(x))).toBe('softmax')
  expect(activationOf(() => tf.tidy(() => tf.clipByValue(tf.softmax(x), 1e-7, 1)))).toBe('softmax')
  expect(activationOf(() => tf.reshape(tf.sigmoid(tf.mul(x, 2)), [2, 3]))).toBe('sigmoid')
  expect(activationOf(() => x)).toBeUndefined()
  expect(activationOf(() => tf.logSoftmax(x))).toBeUndefined()
  expect(activationOf(() => tf.log(tf.softmax(x)))).toBeUndefined()
  expect(activationOf(() => tf.mul(tf.sigmoid(x), 10))).toBeUndefined()
  expect(finalActivation(() => 'no tensor')).toEqual({ outputs: 'no tensor' })
})

test('keeps only the outputs, and nothing after an error', () => {
  const before = tf.memory().numTensors
  let during = 0
  const { outputs } = finalActivation(() => {
    const hidden = tf.tidy(() => tf.exp(tf.square(tf.square(x))))
    during = tf.memory().numTensors
    return tf.softmax(hidden)
  })
  // The variable and `hidden`.
  expect(during).toBe(before + 2)
  expect(tf.memory().numTensors).toBe(before + 1)
  outputs.dispose()
  expect(() =>
    finalActivation(() => {
      tf.softmax(tf.mul(x, 2))
      throw new Error('out of memory')
    }),
  ).toThrow('out of memory')
  expect(tf.memory().numTensors).toBe(before)
  expect(tf.engine().state.gradientDepth).toBe(0)
  expect([
    ...tf
      .grad((y) => tf.square(y))(tf.tensor1d([3]))
      .dataSync(),
  ]).toEqual([6])
})

test('allows a gradient in the forward pass', () => {
  const { outputs, activation: found } = finalActivation(() =>
    tf.sigmoid(tf.grad((y) => tf.square(y))(x)),
  )
  expect(found).toBe('sigmoid')
  expect([...outputs.dataSync()]).toEqual([...tf.sigmoid(tf.mul(x, 2)).dataSync()])
})

test('does not change an enclosing gradient', () => {
  const gradient = tf.grad((y) => {
    finalActivation(() => tf.softmax(y))
    return tf.sum(tf.square(y))
  })(x)
  expect([...gradient.dataSync()]).toEqual([...tf.mul(x, 2).dataSync()])
})
