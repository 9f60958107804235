// What a checkpoint accepts and rejects on resume: everything that affects a run's result, changed one at a time.
import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { adabound } from '@tricks/adabound'
import { useBackend } from '@tricks/backend'
import { createRandom, sometimes, type Trick } from '@tricks/core'
import { cutout } from '@tricks/cutout'
import { distillation } from '@tricks/distillation'
import { labelSmoothing } from '@tricks/label-smoothing'
import { randomFlip } from '@tricks/random-flip'
import {
  type Checkpoint,
  type ImageSet,
  train,
  type TrainOptions,
  variablesOf,
} from '@tricks/train'
import { beforeAll, describe, expect, test } from 'vitest'
import { decode, encode } from '../src/index.ts'

const [side, count] = [6, 60]
const values = side * side * 3
function noise(seed: number, size = count): ImageSet & { images: Uint8Array; labels: number[] } {
  const random = createRandom(seed)
  return {
    images: Uint8Array.from({ length: size * values }, () => random.integer(0, 256)),
    labels: Array.from({ length: size }, (_, i) => i % 3),
    height: side,
    width: side,
    channels: 3,
    classes: ['a', 'b', 'c'],
  }
}
const set = noise(4)

const { conv2d, dense, dropout, flatten, globalAveragePooling2d } = layers.layers
interface Net {
  activation?: 'relu' | 'elu'
  strides?: number
  rate?: number
  frozen?: boolean
  seed?: number
  l2?: number
}
/** A network without explicit names, and with new weights each time unless there is a seed. */
function net({
  activation = 'relu',
  strides = 1,
  rate = 0,
  frozen,
  seed,
  l2,
}: Net = {}): layers.LayersModel {
  const kernelInitializer = layers.initializers.glorotUniform({ seed })
  const kernelRegularizer = l2 === undefined ? undefined : layers.regularizers.l2({ l2 })
  const model = layers.sequential({
    layers: [
      conv2d({
        filters: 4,
        kernelSize: 3,
        strides,
        activation,
        kernelInitializer,
        kernelRegularizer,
        inputShape: [side, side, 3],
      }),
      globalAveragePooling2d({}),
      dropout({ rate, seed: 1 }),
      dense({ units: 3, kernelInitializer }),
    ],
  })
  if (frozen) model.layers[0]!.trainable = false
  return model
}
/** Three layers of equal size; the last is applied to the first or to the second. */
function branched(to: 0 | 1): layers.LayersModel {
  const inputs = layers.input({ shape: [side, side, 3] })
  const after = (x: layers.SymbolicTensor): layers.SymbolicTensor =>
    dense({ units: 3 }).apply(x) as layers.SymbolicTensor
  const first = after(globalAveragePooling2d({}).apply(inputs) as layers.SymbolicTensor)
  const second = after(first)
  const last = after([first, second][to]!)
  return layers.model({
    inputs,
    outputs: layers.layers.add().apply([second, last]) as layers.SymbolicTensor,
  })
}
const nested = (activation: 'relu' | 'elu'): layers.LayersModel =>
  layers.sequential({
    layers: [
      flatten({ inputShape: [side, side, 3] }),
      layers.sequential({
        layers: [dense({ units: 4, activation, inputShape: [values] }), dense({ units: 3 })],
      }),
    ],
  })
/** A teacher whose weights all have the given value. */
function teacher(value: number): layers.LayersModel {
  const kernelInitializer = layers.initializers.constant({ value })
  return layers.sequential({
    layers: [flatten({ inputShape: [side, side, 3] }), dense({ units: 3, kernelInitializer })],
  })
}

const optionsOf = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  model: net(),
  data: { train: set },
  optimizer: tf.train.momentum(0.05, 0.9),
  epochs: 2,
  batchSize: 20,
  seed: 2,
  ...more,
})

beforeAll(async () => {
  await useBackend('wasm')
})

/** A checkpoint after one step, encoded and decoded. */
async function begin(options: TrainOptions): Promise<Checkpoint> {
  const stop = new AbortController()
  let made: Checkpoint | undefined
  const save = (checkpoint: Checkpoint): void => {
    made ??= decode(encode(checkpoint))
    stop.abort()
  }
  await train({ ...options, signal: stop.signal, checkpoint: { every: { steps: 1 }, save } })
  return made!
}

const moved = (images: Uint8Array, from: number, to: number): Uint8Array => {
  const copy = images.slice()
  copy.set(images.subarray(from * values, (from + 1) * values), to * values)
  copy.set(images.subarray(to * values, (to + 1) * values), from * values)
  return copy
}
const tricks = (...list: Trick[]): Partial<TrainOptions> => ({ tricks: list })
const data = (more: Partial<TrainOptions['data']>): Partial<TrainOptions> => ({
  data: { train: set, ...more },
})
const images = set.images.with(values * count - 1, (set.images.at(-1)! + 1) % 256)
const hash = '"[0-9a-f]{16}"'

describe('rejects another run, and names the difference', () => {
  type Change = () => Partial<TrainOptions>
  const rows: [string, string, Change, Change][] = [
    [
      'the learning rate',
      'optimizer: saved {"name":"Momentum","learningRate":0.05}, here {"name":"Momentum","learningRate":0.1}',
      () => ({}),
      () => ({ optimizer: tf.train.momentum(0.1, 0.9) }),
    ],
    [
      'the momentum',
      'optimizer: saved {"name":"Momentum","momentum":0.9}, here {"name":"Momentum","momentum":0.8}',
      () => ({}),
      () => ({ optimizer: tf.train.momentum(0.05, 0.8) }),
    ],
    [
      'nesterov',
      '"useNesterov":true',
      () => ({}),
      () => ({ optimizer: tf.train.momentum(0.05, 0.9, true) }),
    ],
    [
      "adam's rate",
      'here {"name":"Adam","learningRate":0.02}',
      () => ({ optimizer: tf.train.adam(0.01) }),
      () => ({ optimizer: tf.train.adam(0.02) }),
    ],
    [
      "adam's beta",
      '"beta1":0.8',
      () => ({ optimizer: tf.train.adam(0.01) }),
      () => ({ optimizer: tf.train.adam(0.01, 0.8) }),
    ],
    [
      "adabound's final rate",
      '"finalLearningRate":0.2',
      () => ({ optimizer: adabound({}) }),
      () => ({ optimizer: adabound({ finalLearningRate: 0.2 }) }),
    ],
    ['the optimizer', 'here {"name":"SGD"', () => ({}), () => ({ optimizer: tf.train.sgd(0.05) })],
    [
      'labels, rotated',
      `trainingLabels: saved ${hash}, here ${hash}`,
      () => ({}),
      () => data({ train: { ...set, labels: set.labels.map((label) => (label + 1) % 3) } }),
    ],
    [
      'two labels, swapped',
      `trainingLabels: saved ${hash}`,
      () => ({}),
      () => data({ train: { ...set, labels: [1, 0, ...set.labels.slice(2)] } }),
    ],
    [
      'images in another order',
      `trainingImages: saved ${hash}, here ${hash}`,
      () => ({}),
      () => data({ train: { ...set, images: moved(set.images, 0, 3) } }),
    ],
    [
      'a byte of the last image',
      `trainingImages: saved ${hash}`,
      () => ({}),
      () => data({ train: { ...set, images } }),
    ],
    [
      'class names',
      'classes: saved "a", here "z"',
      () => ({}),
      () => data({ train: { ...set, classes: ['z', 'b', 'c'] } }),
    ],
    [
      'the order of classes',
      'classes: saved "a", here "b"',
      () => ({}),
      () => data({ train: { ...set, classes: ['b', 'a', 'c'] } }),
    ],
    ['the validation count', 'validation: saved 6, here 9', () => ({}), () => ({ validation: 9 })],
    [
      'a validation set',
      `validationImages: saved none, here ${hash}`,
      () => ({ validation: 0 }),
      () => data({ validation: noise(5, 9) }),
    ],
    [
      'another validation set',
      `validationImages: saved ${hash}, here ${hash}`,
      () => data({ validation: noise(5, 9) }),
      () => data({ validation: noise(6, 9) }),
    ],
    [
      'labels of the test set',
      `testLabels: saved ${hash}, here ${hash}`,
      () => data({ test: noise(5, 9) }),
      () => data({ test: noise(5, 12) }),
    ],
    ['the mean', 'data: saved {"mean":\\[', () => ({}), () => data({ mean: [0.5, 0.5, 0.5] })],
    [
      'the deviation',
      'data: saved {"deviation":\\[',
      () => ({}),
      () => data({ deviation: [0.5, 0.5, 0.5] }),
    ],
    ['the epochs', 'epochs: saved 2, here 3', () => ({}), () => ({ epochs: 3 })],
    ['the batch size', 'batchSize: saved 20, here 10', () => ({}), () => ({ batchSize: 10 })],
    ['the seed', 'seed: saved 2, here 3', () => ({}), () => ({ seed: 3 })],
    [
      'an activation',
      'layers: saved {"layer":"0 Conv2D","activation":"relu"}, here {"layer":"0 Conv2D","activation":"elu"}',
      () => ({}),
      () => ({ model: net({ activation: 'elu' }) }),
    ],
    ['strides', '"strides":\\[2,2\\]', () => ({}), () => ({ model: net({ strides: 2 }) })],
    [
      'a dropout rate',
      'saved {"layer":"2 Dropout","rate":0}, here {"layer":"2 Dropout","rate":0.5}',
      () => ({}),
      () => ({ model: net({ rate: 0.5 }) }),
    ],
    ['a regularizer', '"kernelRegularizer":', () => ({}), () => ({ model: net({ l2: 0.1 }) })],
    [
      'a frozen layer',
      'kernel \\[3, 3, 3, 4\\]", here ".*kernel \\[3, 3, 3, 4\\], not trained"',
      () => ({}),
      () => ({ model: net({ frozen: true }) }),
    ],
    [
      'a layer of a nested model',
      '"layer":"1.0 Dense","activation":"elu"',
      () => ({ model: nested('relu') }),
      () => ({ model: nested('elu') }),
    ],
    [
      'how layers are connected',
      '"from":',
      () => ({ model: branched(0) }),
      () => ({ model: branched(1) }),
    ],
    [
      'an additional trick',
      'tricks: saved none, here {"name":"random-flip"',
      () => ({}),
      () => tricks(randomFlip()),
    ],
    [
      'the order of tricks',
      'tricks: saved {"name":"random-flip".*}, here {"name":"cutout"',
      () => tricks(randomFlip(), cutout({ length: 2 })),
      () => tricks(cutout({ length: 2 }), randomFlip()),
    ],
    [
      "a trick's option",
      'tricks: saved {"name":"label-smoothing","options":{"epsilon":0.1}}, here {"name":"label-smoothing","options":{"epsilon":0.2}}',
      () => tricks(labelSmoothing({ epsilon: 0.1 })),
      () => tricks(labelSmoothing({ epsilon: 0.2 })),
    ],
    [
      'a key',
      '"key":"other"',
      () => tricks(randomFlip()),
      () => tricks(randomFlip({ key: 'other' })),
    ],
    [
      'a trick in a combinator',
      '"length":4',
      () => tricks(sometimes(0.5, cutout({ length: 2 }))),
      () => tricks(sometimes(0.5, cutout({ length: 4 }))),
    ],
    [
      'another teacher',
      `constants: saved {"distillation":${hash}}, here {"distillation":${hash}}`,
      () => tricks(distillation({ teacher: teacher(0.1) })),
      () => tricks(distillation({ teacher: teacher(0.2) })),
    ],
    [
      'another teacher in a combinator',
      `constants: saved {"sometimes.distillation./distillation":${hash}}`,
      () => tricks(sometimes(0.5, distillation({ teacher: teacher(0.1) }))),
      () => tricks(sometimes(0.5, distillation({ teacher: teacher(0.2) }))),
    ],
  ]
  test.each(rows)('%s', async (_, message, before, after) => {
    const resume = await begin(optionsOf(before()))
    const again = train(optionsOf({ ...after(), resume }))
    await expect(again).rejects.toThrow('train: the checkpoint is of another run\n  ')
    await expect(again).rejects.toThrow(new RegExp(message.replaceAll('{"', String.raw`\{"`)))
    await expect(again).rejects.toThrow('Resume with the original settings, or start a new run.')
  })

  test('the backend', async () => {
    const resume = await begin(optionsOf())
    try {
      await tf.setBackend('cpu')
      const again = train(optionsOf({ resume }))
      await expect(again).rejects.toThrow('  backend: saved "wasm", here "cpu"')
    } finally {
      await tf.setBackend('wasm')
    }
  })

  test('all differences in one message', async () => {
    const resume = await begin(optionsOf())
    const given = data({ train: { ...set, images, labels: [1, 0, ...set.labels.slice(2)] } })
    const again = train(optionsOf({ ...given, seed: 3, resume }))
    const error = await again.catch((thrown: unknown) => thrown as Error)
    const names = (error as Error).message
      .split('\n')
      .slice(1, -1)
      .map((line) => line.trim().split(':')[0])
    expect(names).toEqual(['trainingImages', 'trainingLabels', 'seed'])
  })
})

describe('resumes with bit-equal weights', () => {
  const weightsOf = ({ model }: TrainOptions): number[] =>
    Object.values(variablesOf(model)).flatMap((variable) => [...variable.dataSync()])

  test.each<[string, () => Partial<TrainOptions>]>([
    ["whatever the model's initial weights", () => ({})],
    ['after other models were made', () => (net(), branched(0), { model: net() })],
    ['with different reports', () => ({ readEvery: 1, onProgress: () => undefined })],
    ['if NaNs are skipped from now on', () => ({ nonFinite: 'skip' })],
    [
      'with the images in a Buffer',
      () => data({ train: { ...set, images: Buffer.from(set.images) } }),
    ],
    [
      'with the images in a file',
      () =>
        data({
          train: {
            ...set,
            images: { length: set.images.length, subarray: (a, b) => set.images.slice(a, b) },
          },
        }),
    ],
    [
      'with labels of a different type',
      () => data({ train: { ...set, labels: Uint8Array.from(set.labels) } }),
    ],
    [
      'with a class name in another Unicode form',
      () => data({ train: { ...set, classes: ['cafe\u0301', 'b', 'c'] } }),
    ],
  ])('%s', async (name, change) => {
    const spelled = name.includes('Unicode')
      ? data({ train: { ...set, classes: ['caf\u00e9', 'b', 'c'] } })
      : {}
    const whole = optionsOf({ ...spelled, model: net({ seed: 9 }) })
    await train(whole)
    const resume = await begin(optionsOf({ ...spelled, model: net({ seed: 9 }) }))
    const again = optionsOf({ ...change(), resume })
    await train(again)
    expect(weightsOf(again)).toEqual(weightsOf(whole))
  })

  test('with a newly created teacher, after other models', async () => {
    const distilled = (): Partial<TrainOptions> => tricks(distillation({ teacher: teacher(0.1) }))
    const whole = optionsOf({ ...distilled(), model: net({ seed: 9 }) })
    await train(whole)
    const resume = await begin(optionsOf({ ...distilled(), model: net({ seed: 9 }) }))
    net()
    const again = optionsOf({ ...distilled(), resume })
    await train(again)
    expect(weightsOf(again)).toEqual(weightsOf(whole))
  })
})

test('leaves no tensor behind', async () => {
  const given = { ...optionsOf(tricks(distillation({ teacher: teacher(0.1) }))), validation: 6 }
  const resume = await begin(given)
  await train({ ...given, resume })
  const before = tf.memory().numTensors
  await train({ ...given, resume, checkpoint: { save: () => undefined } })
  expect(tf.memory().numTensors).toBe(before)
})
