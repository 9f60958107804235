import { runInNewContext } from 'node:vm'
import * as tf from '@tensorflow/tfjs-core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type ImageSet,
  openData,
  openRun,
  type Pixels,
  train,
  type TrainOptions,
  variablesOf,
} from '../src/index.ts'
import { blobs, denseModel } from './blobs.ts'

const set = blobs(60)
const options = (more: Partial<ImageSet>, rest: Partial<TrainOptions['data']> = {}) => ({
  model: denseModel(),
  data: { train: { ...set, ...more }, ...rest },
  optimizer: tf.train.sgd(0.1),
  epochs: 1,
  batchSize: 16,
})
/** For values that the types forbid but JavaScript allows. */
const wrong = (more: Record<string, unknown>): Partial<ImageSet> => more
const rejects = async (more: Record<string, unknown>, ...messages: string[]): Promise<void> => {
  const run = train(options(wrong(more)))
  await expect(run).rejects.toThrow(messages[0])
  for (const message of messages) await expect(run).rejects.toThrow(message)
}

beforeEach(async () => {
  await tf.setBackend('cpu')
})
afterEach(() => void vi.restoreAllMocks())

async function weightsOf(images: unknown): Promise<number[]> {
  const given = options(wrong({ images }))
  await train(given)
  return Object.values(variablesOf(given.model)).flatMap((each) => [...each.dataSync()])
}

test('accepts bytes in any container', async () => {
  const expected = await weightsOf(set.images)
  const { images } = set
  const file: Pixels = { length: images.length, subarray: (a, b) => images.slice(a, b) }
  const foreign: unknown = runInNewContext('Uint8Array.from(values)', { values: [...images] })
  expect(foreign).not.toBeInstanceOf(Uint8Array)
  for (const each of [new Uint8ClampedArray(images), Buffer.from(images), file, foreign])
    expect(await weightsOf(each)).toEqual(expected)
})

describe('rejects images that are not bytes', () => {
  const floats = Float32Array.from(set.images, (byte) => byte / 255)
  const signed = Float32Array.from(set.images, (byte) => byte / 127.5 - 1)
  const list = [...set.images]
  const rows = Array.from({ length: 60 }, (_, i) => list.slice(i * 48, (i + 1) * 48))
  const expected =
    'train: expected the training images to be bytes from 0 to 255 in a Uint8Array, got '
  test.each<[string, unknown, string, string?]>([
    [
      'floats in [0, 1]',
      floats,
      'a Float32Array of values from 0 to 0.',
      'Pass Uint8Array.from(images, (value) => Math.round(255 * value))',
    ],
    [
      'doubles in [0, 1]',
      Float64Array.from(floats),
      'a Float64Array of',
      'Math.round(255 * value)',
    ],
    [
      'floats in [-1, 1]',
      signed,
      'a Float32Array of values from -1 to',
      'Pass Uint8Array.from(images, (value) => Math.round(127.5 * (value + 1)))',
    ],
    [
      'floats in [0, 255]',
      Float32Array.from(set.images),
      'a Float32Array of values from 0 to 2',
      'Pass Uint8Array.from(images)',
    ],
    [
      'fractions in [0, 255]',
      Float32Array.from(set.images, (byte) => byte + 0.25),
      'a Float32Array',
      'Pass Uint8Array.from(images, Math.round)',
    ],
    [
      'normalised floats',
      signed.map((value) => 3 * value),
      'a Float32Array',
      'train normalises them by mean and deviation',
    ],
    [
      'resampled bytes',
      Float32Array.from(set.images, (byte) => byte * 1.3 - 20),
      'a Float32Array of values from -20',
      'Pass Uint8ClampedArray.from(images), which rounds and clamps',
    ],
    [
      'NaN',
      floats.map((value, i) => (i === 7 ? NaN : value)),
      'a Float32Array that holds NaN at index 7',
    ],
    [
      'int32',
      Int32Array.from(set.images),
      'an Int32Array of values',
      'Pass Uint8Array.from(images)',
    ],
    [
      'uint32',
      Uint32Array.from(set.images),
      'a Uint32Array of values',
      'Pass Uint8Array.from(images)',
    ],
    [
      '16 bits',
      Uint16Array.from(set.images, (byte) => byte * 257),
      'a Uint16Array of',
      'Pass Uint8Array.from(images, (value) => Math.round(value / 257))',
    ],
    [
      'signed bytes',
      Int8Array.from(set.images, (byte) => byte - 128),
      'an Int8Array of',
      'Pass new Uint8Array(images.buffer, images.byteOffset, images.length)',
    ],
    [
      '64 bits',
      BigUint64Array.from(list.slice(0, 4), BigInt),
      'a BigUint64Array',
      'Pass Uint8Array.from(images, Number)',
    ],
    ['a plain array', list, 'an array of values from 0 to 2', 'Pass Uint8Array.from(images)'],
    ['a plain array in [0, 1]', [...floats], 'an array of values', 'Math.round(255 * value)'],
    [
      'nested arrays',
      rows,
      'nested arrays of values from 0',
      'Pass Uint8Array.from(images.flat(Infinity))',
    ],
    [
      'nested arrays in [0, 1]',
      rows.map((row) => row.map((byte) => byte / 255)),
      'nested arrays',
      'Pass Uint8Array.from(images.flat(Infinity), (value) => Math.round(255 * value))',
    ],
    [
      'an array per image',
      rows.map((row) => Uint8Array.from(row)),
      'an array of Uint8Arrays',
      'Join them into one',
    ],
    ['text in an array', ['a.jpg'], 'an array that holds a.jpg at index 0'],
    ['an empty array', [], 'an array without values'],
    ['a tensor', tf.tensor1d(floats), 'a tensor of float32', 'await images.data()'],
    [
      'a whole tensor',
      tf.tensor1d(list, 'int32'),
      'a tensor of int32',
      'Pass Uint8Array.from(await images.data())',
    ],
    ['a buffer', set.images.buffer, 'an ArrayBuffer', 'Pass new Uint8Array(images)'],
    [
      'an ImageData',
      { data: new Uint8ClampedArray(4), width: 1, height: 1 },
      'Object (object)',
      'Pass images.data',
    ],
    [
      'a reader of floats',
      { length: 2880, subarray: (a: number, b: number) => floats.subarray(a, b) },
      'an object whose subarray returns Float32Array',
    ],
    ['a path', 'pictures', 'String (string)'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
  ])('%s', async (_, images, what, remedy = what) => {
    await rejects({ images }, expected + what, remedy)
    const data = { train: set, test: { ...set, images: images as Uint8Array } }
    await expect(train({ ...options({}), data })).rejects.toThrow(
      'expected the test images to be bytes',
    )
  })
})

describe('rejects labels that are not class indices', () => {
  const names = set.labels.map((label) => set.classes[label])
  const at = 'train: expected labels in [0, 3), got '
  const oneHot = set.labels.map((label) => [0, 1, 2].map((one) => Number(one === label)))
  test.each<[string, unknown, string, string?]>([
    [
      'names',
      names,
      `${at}"red" at index 0 of the training set`,
      'labels.map((name) => classes.indexOf(name))',
    ],
    [
      'numbers as text',
      set.labels.map(String),
      `${at}"0" at index 0`,
      'Convert them to class numbers',
    ],
    ['one-hot rows', oneHot, `${at}[1,0,0] at index 0`, 'labels.map((row) => row.indexOf(1))'],
    [
      'one-hot typed rows',
      oneHot.map((row) => Float32Array.from(row)),
      `${at}[1,0,0] at index 0`,
      'row.indexOf(1)',
    ],
    ['one-hot rows, joined', oneHot.flat(), 'The labels look like 60 one-hot rows'],
    ['a fraction', set.labels.map((label, i) => (i === 5 ? 0.5 : label)), `${at}0.5 at index 5`],
    [
      'NaN',
      set.labels.map((label, i) => (i === 5 ? NaN : label)),
      `${at}NaN at index 5`,
      'Leave out images without a label',
    ],
    [
      '-1',
      set.labels.map((label, i) => (i === 5 ? -1 : label)),
      `${at}-1 at index 5`,
      'Leave out images without a label',
    ],
    ['-2', set.labels.map((label, i) => (i === 5 ? -2 : label)), `${at}-2 at index 5`],
    [
      'too large',
      set.labels.map((label, i) => (i === 5 ? 3 : label)),
      `${at}3 at index 5`,
      'Add the names of the missing classes',
    ],
    [
      'from 1',
      Uint8Array.from(set.labels, (label) => label + 1),
      `${at}3 at index 2`,
      'Class numbers start at 0: pass labels.map((label) => label - 1)',
    ],
    [
      'booleans',
      set.labels.map((label) => label === 0),
      `${at}true at index 0`,
      'Array.from(labels, Number)',
    ],
    [
      '64 bits',
      BigInt64Array.from(set.labels, BigInt),
      `${at}0n at index 0`,
      'Array.from(labels, Number)',
    ],
    ['a hole', Array<number>(60), `${at}undefined at index 0`],
    [
      'too few',
      set.labels.slice(1),
      'has 59 labels, so expected 2832 bytes of 4×4×3 images, got 2880',
      'There are 60 images: pass a label for each',
    ],
    ['a tensor', tf.tensor1d(set.labels, 'int32'), 'got a tensor. Pass await labels.data()'],
    [
      'a one-hot tensor',
      tf.oneHot(tf.tensor1d(set.labels, 'int32'), 3),
      'Pass await tf.argMax(labels, 1).data()',
    ],
    ['a set', new Set(set.labels), 'to be a list of class numbers, got object'],
    ['text', 'labels.csv', 'to be a list of class numbers, got string'],
    ['nothing', undefined, 'to be a list of class numbers, got undefined'],
  ])('%s', (_, labels, what, remedy = what) => rejects({ labels }, what, remedy))

  test('accepts integral floats', async () => {
    const { stopped } = await train(options({ labels: Float32Array.from(set.labels) }))
    expect(stopped).toBe('finished')
  })
})

describe('sizes and classes', () => {
  test.each<[string, Record<string, unknown>, string]>([
    [
      'no height',
      { height: undefined },
      "train: expected the training images' height to be a positive integer, got undefined",
    ],
    ['half a width', { width: 3.5 }, "images' width to be a positive integer, got 3.5"],
    ['no channels', { channels: 0 }, "images' channels to be a positive integer, got 0"],
    ['a size as text', { height: '4' }, "images' height to be a positive integer, got 4"],
    [
      'four channels',
      { images: new Uint8Array(60 * 64).fill(9) },
      'They are the bytes of 4 channels: pass channels: 4',
    ],
    [
      'sizes of channels first',
      { height: 3, width: 32, channels: 32 },
      'train: expected the training images in the order height, width, channels, got 3×32×32',
    ],
    [
      'one channel first',
      { height: 1, width: 28, channels: 28 },
      'looks as if channels came first',
    ],
    ['a number of classes', { classes: 3 }, "set's classes to be a list of names, got 3"],
    [
      'classes as numbers',
      { classes: [0, 1, 2] },
      "set's classes to be a list of names, got [0,1,2]",
    ],
    ['no classes', { classes: undefined }, 'to be a list of names, got undefined'],
    [
      'one class',
      { classes: ['red'], labels: set.labels.map(() => 0) },
      'to have two classes or more, got ["red"]',
    ],
    ['a class twice', { classes: ['red', 'green', 'red'] }, "set's classes contain 'red' twice"],
    [
      'a class in two spellings',
      { classes: ['caf\u00e9', 'b', 'cafe\u0301'] },
      'twice: give each class a different name',
    ],
    [
      'classes without images',
      { classes: ['red', 'green', 'blue', 'grey', 'pink'] },
      "train: there are no training images of the class 'grey', 'pink': add images, or remove it from classes",
    ],
  ])('%s', (_, more, message) => rejects(more, message))

  test('rejects a value that is not a set', async () => {
    const none = { ...options({}), data: {} as TrainOptions['data'] }
    await expect(train(none)).rejects.toThrow(
      'train: expected data to be { train, validation?, test?',
    )
    await expect(train({ ...none, data: { train: [1] as never } })).rejects.toThrow(
      'train: expected the training set to be { images, labels, height, width, channels, classes }, got { 0 }',
    )
    await expect(train({ ...none, data: { train: undefined as never } })).rejects.toThrow(
      'got undefined',
    )
  })

  test('a test set may have no images of a class', async () => {
    const one = { ...blobs(20, 1), labels: Array<number>(20).fill(1) }
    expect((await train(options({}, { test: one }))).test).toBeDefined()
  })
})

describe('mean and deviation', () => {
  const given = (statistics: Partial<TrainOptions['data']>) =>
    openRun(options({}, statistics)).data.facts
  const measured = given({})

  test('either may be given; the other is measured', () => {
    const mean = [0.5, 0.25, 0.75]
    expect(given({ mean })).toEqual({ ...measured, mean })
    expect(given({ deviation: mean })).toEqual({ ...measured, deviation: mean })
    expect(given({ mean: [0.5], deviation: [0.25] })).toMatchObject({
      mean: [0.5, 0.5, 0.5],
      deviation: [0.25, 0.25, 0.25],
    })
    expect(measured.mean.every((each) => each > 0.2 && each < 0.6)).toBe(true)
  })

  test.each<[Partial<Record<'mean' | 'deviation', unknown>>, string]>([
    [
      { mean: [125.3, 123, 113.9] },
      'train: expected mean to be a list of numbers in [0, 1], one per channel, got [125.3,123,113.9]. Divide mean and deviation by 255',
    ],
    [
      { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0, 0.25] },
      'train: expected deviation to be a list of numbers in (0, 1], one per channel, got [0.25,0,0.25]. Pass 1 for a constant channel',
    ],
    [{ deviation: [-1] }, 'got [-1]'],
    [{ deviation: [NaN, 1, 1] }, 'got ["NaN",1,1]'],
    [
      { mean: [0.5, 0.5] },
      'train: expected mean to be a list of 3 numbers, one per channel, got [0.5,0.5]',
    ],
    [{ mean: 0.5 }, 'one per channel, got 0.5'],
  ])('%j', (statistics, message) => {
    expect(() => given(statistics as Partial<TrainOptions['data']>)).toThrow(message)
    const data = { train: set, batchSize: 8, epochs: 1, seed: 0 }
    expect(() => openData({ ...data, ...(statistics as object) })).toThrow(message)
  })
})

describe('suspicious data causes a warning', () => {
  const warned = (more: Partial<ImageSet>): string[] => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    const weights = tf.variable(tf.scalar(1))
    const model = { apply: () => undefined, variables: { weights } }
    openRun({ ...options(more), batchSize: 4, model })
    return warn.mock.calls.map(([text]) => text as string)
  }
  /** Smooth: a coloured hill in each image. */
  const [side, count] = [32, 9]
  const hills = new Uint8Array(count * side * side * 3)
  const planes = new Uint8Array(hills.length)
  for (let i = 0; i < count; i++)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++)
        for (let c = 0; c < 3; c++) {
          const byte = 220 * Math.exp(-((x - 3 * i) ** 2 + (y - 16) ** 2) / (90 + 40 * c)) + 9 * c
          hills[((i * side + y) * side + x) * 3 + c] = byte
          planes[((i * 3 + c) * side + y) * side + x] = byte
        }
  const sized = { height: side, width: side, labels: [0, 1, 2, 0, 1, 2, 0, 1, 2] }

  test('identical images', () => {
    expect(warned({ images: new Uint8Array(2880).fill(9) })).toEqual([
      'train: all 60 training images are the same: check how they are read',
    ])
  })
  test('bytes of 0 and 1', () => {
    expect(warned({ images: set.images.map((byte) => Number(byte > 100)) })).toEqual([
      expect.stringContaining(
        'no byte of the training images is above 1: multiply values in [0, 1] by 255',
      ),
    ])
  })
  test('colour planes', () => {
    expect(warned({ images: planes, ...sized })).toEqual([
      expect.stringContaining('seem to be stored as planes'),
    ])
  })
  test('no warning for interleaved pixels', () => {
    expect(warned({ images: hills, ...sized })).toEqual([])
    expect(warned({})).toEqual([])
  })
})
