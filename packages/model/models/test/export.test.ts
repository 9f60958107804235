import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { batchNorm } from '@tricks/batch-norm'
import { describe, expect, test } from 'vitest'
import {
  airbench,
  cifarResnet,
  exportModel,
  plain,
  preactResnet,
  resnet9,
  withNormalization,
} from '../src/index.ts'
import { descend, withModel } from './training.ts'

const mean = [0.49, 0.48, 0.45]
const deviation = [0.25, 0.24, 0.26]
const images = (): tf.Tensor4D => tf.randomUniform([4, 32, 32, 3], 0, 1, 'float32', 1)

/** The model's output for images in [0, 1], normalised separately. */
function logitsOf(model: layers.LayersModel): tf.Tensor2D {
  return tf.tidy(() => model.predict(tf.div(tf.sub(images(), mean), deviation)) as tf.Tensor2D)
}

function distance(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!)
}

/** Loads the files as a page does, by URL, with a simulated transfer. */
function load(files: Record<string, string | Uint8Array>): Promise<layers.LayersModel> {
  const fetchFunc = async (address: unknown): Promise<Response> => {
    const name = (address as string).split('/').at(-1)!
    const type = name.endsWith('.json') ? 'application/json' : 'application/octet-stream'
    return new Response(files[name] as BodyInit, { headers: { 'content-type': type } })
  }
  return layers.loadLayersModel(tf.io.http('https://example.org/model.json', { fetchFunc }))
}

describe('an exported model', () => {
  test.each<[string, () => layers.LayersModel]>([
    ['plain', () => plain({ widths: [[8], [8]] })],
    ['resnet-8', () => cifarResnet({ depth: 8, width: 4 })],
    [
      'resnet-8 with projections',
      () => cifarResnet({ depth: 8, width: 4, shortcut: 'projection' }),
    ],
    ['preact-resnet-8', () => preactResnet({ depth: 8, width: 0.25 })],
    ['resnet-9', () => resnet9()],
    ['airbench', () => airbench({ widths: [8, 8, 8] })],
  ])('of %s loads with only tfjs-layers and predicts the same', async (_, build) => {
    await tf.setBackend('wasm')
    const model = build()
    // Changes the statistics and all weights from their initial values.
    descend(model, { steps: 2, rate: 0.01 })
    const files = await exportModel(model, { mean, deviation })
    expect(files['model.json']).not.toContain('Tricks')
    const loaded = await load(files)
    const expected = logitsOf(model)
    expect(distance(loaded.predict(images()) as tf.Tensor, expected)).toBeLessThan(1e-4)
    expect(distance(expected, tf.zerosLike(expected))).toBeGreaterThan(1e-2)
    const names = (each: layers.LayersModel): string[] => each.layers.map(({ name }) => name)
    expect(names(loaded)).toEqual(['images', 'normalization', ...names(model).slice(1)])
    loaded.dispose()
    model.dispose()
    await tf.setBackend('cpu')
  })

  test('returns probabilities if requested', async () => {
    const model = plain({ widths: [[4]] })
    const loaded = await load(
      await exportModel(model, { mean, deviation, output: 'probabilities' }),
    )
    const probabilities = loaded.predict(images()) as tf.Tensor2D
    expect(distance(probabilities, tf.softmax(logitsOf(model)))).toBeLessThan(1e-5)
    loaded.dispose()
    model.dispose()
  })

  const { activation, conv2d, dense, globalAveragePooling2d, softmax } = layers.layers
  const ending = (
    end: layers.layers.Layer[],
    inputShape: (number | null)[] = [32, 32, 3],
  ): layers.LayersModel =>
    layers.sequential({
      layers: [
        conv2d({ filters: 4, kernelSize: 3, inputShape }),
        globalAveragePooling2d({}),
        ...end,
      ],
    })
  const ends: [string, string, () => layers.LayersModel][] = [
    ['a softmax', 'softmax', () => ending([dense({ units: 3, activation: 'softmax' })])],
    ['a softmax layer', 'softmax', () => ending([dense({ units: 3 }), softmax()])],
    [
      'a sigmoid',
      'sigmoid',
      () => ending([dense({ units: 3 }), activation({ activation: 'sigmoid' })]),
    ],
    ['any image size', 'softmax', () => ending([dense({ units: 3 }), softmax()], [null, null, 3])],
  ]
  test.each(ends)('of a model that ends in %s does not get a second one', (_, name, build) => {
    const model = build()
    const { numTensors } = tf.memory()
    for (const output of ['probabilities', undefined] as const) {
      const exported = withNormalization(model, { mean, deviation, output })
      const apart = tf.tidy(() =>
        distance(exported.predict(images()) as tf.Tensor, logitsOf(model)),
      )
      expect(apart).toBeLessThan(1e-5)
      exported.dispose()
    }
    expect(() => withNormalization(model, { mean, deviation, output: 'logits' })).toThrow(
      `withNormalization: expected a model that returns logits, got one that ends in a ${name}: ` +
        "pass output: 'probabilities', or remove the activation",
    )
    expect(tf.memory().numTensors).toBe(numTensors)
    model.dispose()
  })

  test('leaves the model unchanged, and no tensor behind', async () => {
    const model = plain({ widths: [[4]] })
    const before = model.getWeights().map((weight) => [...weight.dataSync()])
    const { numTensors } = tf.memory()
    await exportModel(model, { mean, deviation })
    expect(tf.memory().numTensors).toBe(numTensors)
    expect(model.getWeights().map((weight) => [...weight.dataSync()])).toEqual(before)
    model.dispose()
  })

  test('may be custom, sequential, without batch norm or without names', () => {
    const own = layers.sequential({
      layers: [
        layers.layers.conv2d({ filters: 3, kernelSize: 3, inputShape: [32, 32, 3] }),
        batchNorm(),
        layers.layers.dropout({ rate: 0.5 }),
        layers.layers.flatten(),
        layers.layers.dense({ units: 2 }),
      ],
    })
    const exported = withNormalization(own, { mean, deviation })
    expect(distance(exported.predict(images()) as tf.Tensor, logitsOf(own))).toBeLessThan(1e-4)
    exported.dispose()
    own.dispose()
  })
})

class Unknown extends layers.layers.Layer {
  static readonly className = 'TricksUnknown'
}

test('rejects layers without an equivalent, and invalid options', () => {
  const options = { mean, deviation }
  const unknown = layers.sequential({
    layers: [new Unknown({ name: 'odd', inputShape: [8, 8, 3] }), layers.layers.flatten()],
  })
  expect(() => withNormalization(unknown, options)).toThrow(
    'withNormalization: odd (TricksUnknown) has no equivalent in tfjs-layers',
  )
  withModel(plain({ widths: [[2]] }), (model) => {
    expect(() => withNormalization(model, { mean: [0, 0], deviation })).toThrow(
      'withNormalization: expected mean to be 3 numbers, one per channel, got [0,0]',
    )
    expect(() => withNormalization(model, { mean, deviation: [1, 0, 1] })).toThrow(
      'withNormalization: expected deviation to be 3 positive numbers, one per channel, got [1,0,1]',
    )
    expect(() => withNormalization(model, { mean: [125, 123, 114], deviation })).toThrow(
      'got [125,123,114]. Divide mean and deviation by 255',
    )
    expect(() => withNormalization(model, { ...options, output: 'classes' as never })).toThrow(
      'withNormalization: expected output to be logits or probabilities, got classes',
    )
  })
})

test('errors of exportModel name exportModel', async () => {
  const model = plain({ widths: [[2]] })
  const unknown = layers.sequential({
    layers: [new Unknown({ name: 'odd', inputShape: [8, 8, 3] }), layers.layers.flatten()],
  })
  await expect(exportModel(model, { mean: [0, 0], deviation })).rejects.toThrow(
    'exportModel: expected mean to be 3 numbers, one per channel, got [0,0]',
  )
  await expect(exportModel(model, { mean } as never)).rejects.toThrow(
    'exportModel: expected deviation to be 3 positive numbers, one per channel, got undefined',
  )
  await expect(exportModel(unknown, { mean, deviation })).rejects.toThrow(
    'exportModel: odd (TricksUnknown) has no equivalent in tfjs-layers',
  )
  model.dispose()
})
