import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { afterEach, describe, expect, test } from 'vitest'
import { batchNorm } from '../src/index.ts'
import fixture from './fixtures/batch-norm.json' with { type: 'json' }

afterEach(async () => {
  await tf.setBackend('cpu')
})

interface Values {
  shape: number[]
  data: number[]
}

function expectClose(got: tf.Tensor, expected: Values, what: string): void {
  expect(got.shape, what).toEqual(expected.shape)
  const values = got.dataSync()
  const worst = expected.data.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - values[i]!)),
    0,
  )
  expect(worst, what).toBeLessThan(1e-5)
}

function tensor({ shape, data }: Values): tf.Tensor {
  return tf.tensor(data, shape)
}

for (const backend of ['cpu', 'wasm']) {
  describe(backend, () => {
    test.each(fixture.cases)(
      'equals torch in training and in inference',
      async ({ inputs, params, expected }) => {
        await tf.setBackend(backend)
        tf.tidy(() => {
          const layer = batchNorm({ momentum: 1 - params.torchMomentum, epsilon: params.epsilon })
          layer.build(inputs.x.shape)
          const start = layer.getWeights().slice(2)
          layer.setWeights([tensor(inputs.gamma), tensor(inputs.beta), ...start])
          const x = tensor(inputs.x)
          const variables = layer.trainableWeights.map((weight) => weight.read() as tf.Variable)
          let y!: tf.Tensor
          const loss = (images: tf.Tensor) => {
            y = tf.keep(layer.apply(images, { training: true }) as tf.Tensor)
            return tf.sum<tf.Scalar>(tf.mul(y, tensor(inputs.upstream)))
          }
          const { grads } = tf.variableGrads(() => loss(x), variables)
          expectClose(y, expected.y, 'y')
          y.dispose()
          expectClose(grads[variables[0]!.name]!, expected.gradGamma, 'gradGamma')
          expectClose(grads[variables[1]!.name]!, expected.gradBeta, 'gradBeta')
          const [, , mean, variance] = layer.getWeights()
          expectClose(mean!, expected.runningMean, 'runningMean')
          expectClose(variance!, expected.runningVar, 'runningVar')
          expectClose(layer.apply(x) as tf.Tensor, expected.yInference, 'yInference')
          expectClose(tf.grad(loss)(x), expected.gradX, 'gradX')
          y.dispose()
        })
      },
    )

    test("the moving statistics change only in training, and not with statistics: 'keep'", async () => {
      await tf.setBackend(backend)
      const model = layers.sequential({
        layers: [batchNorm({ inputShape: [3], momentum: 0.5 })],
      })
      const x = tf.tensor2d([1, 2, 3, 3, 4, 8], [2, 3])
      const moving = () => [...model.getWeights()[2]!.dataSync()]
      model.predict(x)
      model.apply(x, { training: true, statistics: 'keep' })
      expect(moving()).toEqual([0, 0, 0])
      model.layers[0]!.trainable = false
      model.apply(x, { training: true })
      expect(moving()).toEqual([0, 0, 0])
      model.layers[0]!.trainable = true
      model.apply(x, { training: true })
      expect(moving()).toEqual([1, 1.5, 2.75])
      expect([...model.getWeights()[3]!.dataSync()]).toEqual([1.5, 1.5, 6.75])
    })

    test('uses its moving statistics in a frozen nested model', async () => {
      await tf.setBackend(backend)
      const norm = batchNorm({ momentum: 0.5 })
      const first = () => layers.layers.activation({ activation: 'linear', inputShape: [3] })
      const nested = layers.sequential({ layers: [first(), norm] })
      const head = layers.layers.dense({ units: 1 })
      const model = layers.sequential({ layers: [first(), nested, head] })
      const x = tf.tensor2d([1, 2, 3, 3, 4, 8], [2, 3])
      const y = tf.tensor2d([0, 1], [2, 1])
      nested.trainable = false
      const before = nested.getWeights().map((weight) => [...weight.dataSync()])
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' })
      await model.fit(x, y, { epochs: 2 })
      expect(nested.getWeights().map((weight) => [...weight.dataSync()])).toEqual(before)
      // The moving mean is 0 and the variance 1.
      const data = [...x.dataSync()].map((value) => value / Math.sqrt(1 + 1e-5))
      const frozen = nested.apply(x, { training: true }) as tf.Tensor
      expectClose(frozen, { shape: [2, 3], data }, 'y')
      nested.trainable = true
      nested.apply(x, { training: true, trainable: new Set() })
      expect(nested.getWeights().map((weight) => [...weight.dataSync()])).toEqual(before)
      const trainable = new Set(norm.weights.map((weight) => weight.read()))
      model.apply(x, { training: true, trainable })
      expect([...nested.getWeights()[2]!.dataSync()]).toEqual([1, 1.5, 2.75])
    })

    test('trains in model.fit, and is unchanged by saving and loading', async () => {
      await tf.setBackend(backend)
      const model = layers.sequential({
        layers: [
          layers.layers.conv2d({
            filters: 4,
            kernelSize: 3,
            inputShape: [6, 6, 2],
            useBias: false,
          }),
          batchNorm({ name: 'norm' }),
          layers.layers.flatten(),
          layers.layers.dense({ units: 2, activation: 'softmax' }),
        ],
      })
      model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' })
      const x = tf.randomNormal([16, 6, 6, 2], 1, 2, 'float32', 1)
      const y = tf.oneHot(
        tf.tensor1d(
          Array.from({ length: 16 }, (_, i) => i % 2),
          'int32',
        ),
        2,
      )
      const history = await model.fit(x, y, { epochs: 8, shuffle: false, yieldEvery: 'never' })
      const losses = history.history['loss'] as number[]
      expect(losses.at(-1)).toBeLessThan(losses[0]!)
      const names = model.getLayer('norm').weights.map((weight) => weight.originalName)
      expect(names).toEqual(['norm/gamma', 'norm/beta', 'norm/moving_mean', 'norm/moving_variance'])

      let saved!: tf.io.ModelArtifacts
      await model.save(
        tf.io.withSaveHandler(async (artifacts) => {
          saved = artifacts
          return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) }
        }),
      )
      const loaded = await layers.loadLayersModel(tf.io.fromMemory(saved))
      expect((loaded.predict(x) as tf.Tensor).dataSync()).toEqual(
        (model.predict(x) as tf.Tensor).dataSync(),
      )
      expect(loaded.getLayer('norm').getConfig()).toEqual(model.getLayer('norm').getConfig())
    })

    test('a step leaves no tensor behind', async () => {
      await tf.setBackend(backend)
      const layer = batchNorm()
      const x = tf.randomNormal([4, 5, 5, 3], 0, 1, 'float32', 1)
      layer.apply(x)
      const optimizer = tf.train.sgd(0.1)
      const step = () =>
        optimizer.minimize(() =>
          tf.mean<tf.Scalar>(tf.square(layer.apply(x, { training: true }) as tf.Tensor)),
        )
      step()
      const before = tf.memory()
      step()
      const after = tf.memory()
      expect([after.numTensors, after.numBytes]).toEqual([before.numTensors, before.numBytes])
    })
  })
}

test('wasm equals cpu on 200 random shapes, with gradients, also far from zero', async () => {
  let state = 1
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
  const integer = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  const values = (count: number, centre: number) =>
    Float32Array.from({ length: count }, () => centre + 2 * next() - 1)
  for (let i = 0; i < 200; i++) {
    const channels = integer(1, 19)
    const shape = [...Array.from({ length: integer(1, 3) }, () => integer(2, 7)), channels]
    const count = tf.util.sizeFromShape(shape)
    const [x, dy] = [values(count, integer(-3, 3)), values(count, 0)]
    const [gamma, beta] = [values(channels, 1), values(channels, 0)]
    const results: number[][] = []
    for (const backend of ['cpu', 'wasm']) {
      await tf.setBackend(backend)
      tf.tidy(() => {
        const layer = batchNorm({ epsilon: 1e-3 })
        layer.build(shape)
        layer.setWeights([
          tf.tensor1d(gamma),
          tf.tensor1d(beta),
          tf.zeros([channels]),
          tf.ones([channels]),
        ])
        const apply = (input: tf.Tensor) => layer.apply(input, { training: true }) as tf.Tensor
        const input = tf.tensor(x, shape)
        const variables = layer.trainableWeights.map((weight) => weight.read() as tf.Variable)
        const { grads } = tf.variableGrads(
          () => tf.sum<tf.Scalar>(tf.mul(apply(input), tf.tensor(dy, shape))),
          variables,
        )
        const outputs = [
          apply(input),
          tf.grad(apply)(input, tf.tensor(dy, shape)),
          ...layer.getWeights().slice(2),
        ]
        const gradients = variables.map((variable) => grads[variable.name]!)
        results.push([...outputs, ...gradients].flatMap((output) => [...output.dataSync()]))
        for (const weight of layer.weights) weight.dispose()
      })
    }
    const [expected, got] = results as [number[], number[]]
    const worst = Math.max(...expected.map((value, j) => Math.abs(value - got[j]!)))
    expect(worst / Math.max(1, ...expected.map(Math.abs)), String(shape)).toBeLessThan(1e-5)
  }
})

test('gamma may start at zero', () => {
  const layer = batchNorm({ gamma: 0 })
  layer.build([null, 2])
  expect([...layer.getWeights()[0]!.dataSync()]).toEqual([0, 0])
})

test('rejects invalid options', () => {
  expect(() => batchNorm({ momentum: 1 })).toThrow(
    'batch-norm: expected momentum to be a number in [0, 1), got 1',
  )
  expect(() => batchNorm({ epsilon: 0 })).toThrow(
    'batch-norm: expected epsilon to be a number above 0, got 0',
  )
  expect(() => batchNorm({ gamma: 2 as 1 })).toThrow(
    'batch-norm: expected gamma to be 0 or 1, got 2',
  )
  for (const [name, wrong] of [
    ['momentum', '0.9'],
    ['momentum', null],
    ['epsilon', NaN],
    ['gamma', '1'],
    ['name', '_x'],
    ['decay', 0.9],
  ])
    expect(() => batchNorm({ [name!]: wrong })).toThrow(
      `batch-norm: expected ${name === 'decay' ? 'options' : name} to be`,
    )
})
