import * as tf from '@tensorflow/tfjs-core'
import { expectClose, fromFixture, onEachBackend } from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import {
  applyOperation,
  applySteps,
  assertChannels,
  describeSteps,
  drawnSteps,
  type Operation,
  operations,
  type Step,
  type StepsParams,
} from '../src/index.ts'
import auto from './fixtures/autoaugment-ops.json' with { type: 'json' }
import trivial from './fixtures/trivialaugment-ops.json' with { type: 'json' }

type Image = Parameters<typeof fromFixture>[0]
interface Case {
  op: Operation
  magnitude: number
  image: Image
  expected: Record<'tensor' | 'pil', { shape: number[]; data: number[] }>
}
/** The operations with the magnitudes of AutoAugment, and with TrivialAugment's larger ones. */
const casesOf = ([inputs, ...cases]: readonly unknown[]): Case[] =>
  (cases as (Omit<Case, 'image'> & { input?: string })[]).map((each) => ({
    ...each,
    image: (inputs as Record<string, Image>)[each.input ?? 'input']!,
  }))
const cases = [...casesOf(auto.cases), ...casesOf(trivial.cases)]
const gridOf = (image: Image): tf.Tensor4D =>
  tf.div(fromFixture({ ...image, dtype: 'float32' }), 255)
const grid = (): tf.Tensor4D => gridOf(cases[0]!.image)
const fill = 128 / 255
const levelsOf = (images: tf.Tensor): number[] =>
  Array.from(images.dataSync(), (value) => Math.round(value * 255))

/** The fraction of levels that differ, and the largest difference. */
function difference(a: readonly number[], b: readonly number[]): { share: number; most: number } {
  const apart = a.map((level, i) => Math.abs(level - b[i]!))
  const off = apart.filter((distance) => distance > 0).length
  return { share: off / a.length, most: Math.max(...apart) }
}

/** Operations whose PIL and tensor paths differ in torchvision: PIL rounds luma and means, and halves differently. */
const onlyTensor: readonly Operation[] = ['Rotate', 'Color', 'Contrast', 'AutoContrast']
/**
 * Sharpness equals PIL and torchvision v2. Tensors of torchvision v1 round the unchanged border down to the next lower
 * level if the sum of two products ends just below the level.
 */
const onlyPil: readonly Operation[] = ['Sharpness']
/** Operations with a sum of products, which devices may round differently. */
const rounded: readonly Operation[] = ['Color', 'Contrast', 'Sharpness', 'AutoContrast']

onEachBackend(() => {
  test.each(cases)('matches torchvision: $op $magnitude, $image.shape', (each) => {
    const { op, magnitude, image, expected } = each
    const magnitudes = Array<number>(image.shape[0]!).fill(magnitude)
    const done = levelsOf(applyOperation(gridOf(image), { op, magnitudes, fill }))
    const path = onlyPil.includes(op) ? 'pil' : 'tensor'
    const apart = difference(done, expected[path].data)
    expect(apart.most).toBeLessThanOrEqual(rounded.includes(op) ? 1 : 0)
    expect(apart.share).toBeLessThanOrEqual(0.01)
    if (![...onlyTensor, ...onlyPil].includes(op)) expect(done).toEqual(expected.pil.data)
  })

  test('every factor keeps the level if image and base are equal', () => {
    const levels = Array.from({ length: 256 }, (_, level) => level / 255)
    const factors = Array.from({ length: 20 }, (_, i) => i / 10 - 0.95)
    // A one-row image is all border, a single channel is its own luma, and a single pixel is its own mean.
    const images = tf.tile(tf.tensor4d(levels, [1, 1, 256, 1]), [factors.length, 1, 1, 1])
    const pixels = tf.tensor4d(levels, [256, 1, 1, 1])
    const expected = factors.flatMap(() => levelsOf(tf.tensor1d(levels)))
    for (const op of ['Sharpness', 'Color'] as const)
      expect(levelsOf(applyOperation(images, { op, magnitudes: factors }))).toEqual(expected)
    for (const magnitude of factors) {
      const magnitudes = Array<number>(256).fill(magnitude)
      const contrast = applyOperation(pixels, { op: 'Contrast', magnitudes })
      expect(levelsOf(contrast)).toEqual(levelsOf(pixels))
    }
    const partners = [...factors.keys()]
    const weights = factors.map(Math.abs)
    const pairs = applyOperation(images, { op: 'SamplePairing', magnitudes: weights, partners })
    expect(levelsOf(pairs)).toEqual(expected)
  })

  test('each image has its own magnitude', () => {
    for (const op of ['ShearX', 'Brightness', 'Solarize', 'Posterize', 'Sharpness'] as const) {
      const [first, second] = casesOf(auto.cases).filter((each) => each.op === op)
      const magnitudes = [first!.magnitude, second!.magnitude]
      const done = levelsOf(applyOperation(grid(), { op, magnitudes, fill }))
      const half = done.length / 2
      const expected = [
        ...first!.expected.pil.data.slice(0, half),
        ...second!.expected.pil.data.slice(half),
      ]
      expect(difference(done, expected).share).toBeLessThanOrEqual(0.01)
    }
  })

  test('applying all operations at once equals applying each alone, in order', () => {
    const images = tf.tile(grid(), [operations.length, 1, 1, 1])
    const steps = [...operations, ...operations].map((op, i): Step => ({
      op,
      magnitude:
        { Posterize: 5, Solarize: 100, Cutout: 9, SamplePairing: 0.3 }[op as string] ?? 0.25,
      center: [i, 31 - i],
      partner: 31 - i,
    }))
    // Each image's second operation is another image's first.
    const second = steps.map((_, i) => steps[(i + 5) % steps.length]!)
    const done = levelsOf(
      applySteps(images, { steps: steps.map((step, i) => [step, second[i]!]), fill }),
    )
    const alone = (before: tf.Tensor4D, step: Step, image: number): tf.Tensor4D => {
      const one = tf.slice<tf.Rank.R4, tf.Tensor4D>(before, image, 1)
      if (step.op !== 'SamplePairing') return applySteps(one, { steps: [[step]], fill })
      const pair = tf.concat([one, tf.slice<tf.Rank.R4, tf.Tensor4D>(images, step.partner!, 1)])
      return tf.slice(applySteps(pair, { steps: [[{ ...step, partner: 1 }], []] }), 0, 1)
    }
    const oneByOne = steps.flatMap((step, i) =>
      levelsOf(alone(alone(images, step, i), second[i]!, 0)),
    )
    expect(done).toEqual(oneByOne)
  })

  test('an image without steps stays bit-equal, even off the grid', () => {
    const images = tf.randomUniform<tf.Rank.R4>([2, 4, 4, 3], 0, 1, 'float32', 1)
    const before = images.dataSync()
    const steps = [[null], [{ op: 'Invert', magnitude: 0 } as const]]
    const after = applySteps(images, { steps }).dataSync()
    expect(after.slice(0, 48)).toEqual(before.slice(0, 48))
    const inverted = Array.from(before.slice(48), (value) => 255 - Math.round(value * 255))
    expect(Array.from(after.slice(48), (value) => Math.round(value * 255))).toEqual(inverted)
    expect(applySteps(images, { steps: [[], []] }).dataSync()).toEqual(before)
  })

  test('cutout hides a square around its centre, clipped', () => {
    const images = tf.ones<tf.Rank.R4>([2, 4, 4, 1])
    const centers = [
      [2, 2],
      [0, 3],
    ] as const
    const done = applyOperation(images, { op: 'Cutout', magnitudes: [2.9, 3], centers })
    const [o, x] = [1, 0]
    expect(levelsOf(done).map((level) => level / 255)).toEqual(
      [
        [o, o, o, o, o, x, x, o, o, x, x, o, o, o, o, o],
        [o, o, x, x, o, o, o, o, o, o, o, o, o, o, o, o],
      ].flat(),
    )
  })

  test("sample pairing blends in another image's pixels", () => {
    const images = tf.tensor4d([0, 100 / 255, 200 / 255], [3, 1, 1, 1])
    const params = { op: 'SamplePairing', magnitudes: [0.4, 0.2, 0], partners: [2, 0, 0] } as const
    expect(levelsOf(applyOperation(images, params))).toEqual([80, 80, 200])
  })

  test('a single-channel image has no color, and is its own grey', () => {
    const images = tf.tensor4d(
      [10, 20, 30, 40].map((level) => level / 255),
      [1, 2, 2, 1],
    )
    const done = (op: Operation): number[] =>
      levelsOf(applyOperation(images, { op, magnitudes: [0.5] }))
    expect(done('Color')).toEqual([10, 20, 30, 40])
    // Away from the mean of 25.
    expect(done('Contrast')).toEqual([2, 17, 32, 47])
    expect(done('Sharpness')).toEqual([10, 20, 30, 40])
    expect(done('AutoContrast')).toEqual([0, 85, 170, 255])
  })

  test.each([
    // The centre of 3×3 becomes (9 · mean + 4 · own) / 13, and the border is unchanged.
    [3, 3, [0, 0, 0, 0, 130, 0, 0, 0, 0], [0, 0, 0, 0, 50, 0, 0, 0, 0]],
    [3, 4, [0, 0, 0, 0, 0, 130, 0, 26, 0, 0, 0, 0], [0, 0, 0, 0, 0, 50, 12, 26, 0, 0, 0, 0]],
    [4, 3, [0, 0, 0, 0, 130, 0, 0, 0, 0, 0, 26, 0], [0, 0, 0, 0, 50, 0, 0, 12, 0, 0, 26, 0]],
    [2, 3, [0, 130, 0, 0, 130, 0], [0, 130, 0, 0, 130, 0]],
    [1, 5, [0, 0, 130, 0, 0], [0, 0, 130, 0, 0]],
    [5, 1, [0, 0, 130, 0, 0], [0, 0, 130, 0, 0]],
  ])('a sharpness of -1 smooths inner pixels: %d×%d', (height, width, levels, expected) => {
    const images = tf.tensor4d(
      levels.map((level) => level / 255),
      [1, height, width, 1],
    )
    const done = applyOperation(images, { op: 'Sharpness', magnitudes: [-1] })
    expect(levelsOf(done)).toEqual(expected)
  })

  test('a single-level channel is unchanged by AutoContrast and Equalize', () => {
    const images = tf.fill<tf.Rank.R4>([1, 20, 20, 3], 77 / 255)
    for (const op of ['AutoContrast', 'Equalize'] as const)
      expect(new Set(levelsOf(applyOperation(images, { op, magnitudes: [0] })))).toEqual(
        new Set([77]),
      )
  })
})

test('describes steps in a few words', () => {
  const magnitudes = [
    0.2667, -0.1, 3.6, -7.1, -12.4, 0, 0, 0, 99.6, 5, -0.5, 0.54, 0.9, 0, 10.8, 0.311,
  ]
  const steps = operations.map((op, i): Step => ({ op, magnitude: magnitudes[i]! }))
  expect(describeSteps([...steps, null]).split(', ')).toEqual([
    'ShearX +0.27',
    'ShearY −0.10',
    'TranslateX +4',
    'TranslateY −7',
    'Rotate −12°',
    'AutoContrast',
    'Invert',
    'Equalize',
    'Solarize 100',
    'Posterize 5',
    'Contrast −0.50',
    'Color +0.54',
    'Brightness +0.90',
    'Sharpness 0.00',
    'Cutout 11',
    'SamplePairing 0.31',
  ])
  expect(describeSteps([null, null])).toBe('')
})

describe('rejects', () => {
  const images = tf.zeros<tf.Rank.R4>([2, 4, 4, 3])
  test.each<[object, string]>([
    [{ magnitudes: [0] }, 'magnitudes to be 2 numbers, one per image, got [0]'],
    [{ op: 'Turn' }, 'op to be one of ShearX,'],
    [{ fill: [0, 0] }, 'fill to be one value, or 3, one per channel, got [0,0]'],
    [{ fill: NaN }, 'fill to be one value, or 3, one per channel, got NaN'],
    [{ op: 'SamplePairing', partners: [0, 2] }, 'partners to be 2 indices in [0, 2), got [0,2]'],
    [{ op: 'SamplePairing', partners: [0] }, 'partners to be 2 indices in [0, 2), got [0]'],
    [
      { op: 'SamplePairing', partners: [0, 0.5] },
      'partners to be 2 indices in [0, 2), got [0,0.5]',
    ],
    [{ op: 'SamplePairing', partners: [-1, 0] }, 'partners to be 2 indices in [0, 2), got [-1,0]'],
    [{ op: 'SamplePairing' }, 'partners to be 2 indices in [0, 2), got undefined'],
    [{ centers: [[1, 1]] }, 'centers to be 2 pairs [row, column], one per image, got [[1,1]]'],
    [{ magnitudes: [0, NaN] }, 'steps[1][0].magnitude to be a finite number, got NaN'],
    [{ magnitudes: ['30', 0] }, 'steps[0][0].magnitude to be a finite number, got 30'],
  ])('%j', (params, message) => {
    const apply = (): unknown =>
      applyOperation(images, { op: 'Rotate', magnitudes: [0, 0], ...params })
    expect(apply).toThrow(RangeError)
    expect(apply).toThrow(`operations: expected ${message}`)
  })

  test.each<[unknown, string]>([
    [[[]], 'steps to be 2 lists, one per image, got [[]]'],
    [[[], [{ op: 'Turn', magnitude: 1 }]], 'steps[1][0].op to be one of ShearX,'],
    [[[null, { op: 'Rotate' }], []], 'steps[0][1].magnitude to be a finite number, got undefined'],
    [
      [[{ op: 'SamplePairing', magnitude: 0.1, partner: 2 }], []],
      'steps[0][0].partner to be the index of an image in [0, 2), got 2',
    ],
  ])('steps %j', (steps, message) => {
    expect(() => applySteps(images, { steps: steps as Step[][] }, 'my-augment')).toThrow(
      `my-augment: expected ${message}`,
    )
  })

  test('rejects channels without a luma for operations that need one', () => {
    for (const op of operations) {
      const needs = op === 'Color' || op === 'Contrast'
      for (const channels of [2, 4]) {
        const params = { op, magnitudes: [0.5], partners: [0] }
        const apply = (): unknown => applyOperation(tf.zeros([1, 4, 4, channels]), params)
        const check = (): unknown => assertChannels(['Rotate', op], channels, 'my-augment')
        const words = `expected channels to be 1 or 3 for ${op}, got ${channels}`
        if (needs) expect(apply).toThrow(`operations: ${words}`)
        else expect(apply).not.toThrow()
        if (needs) expect(check).toThrow(`my-augment: ${words}`)
        else expect(check).not.toThrow()
      }
    }
    expect(() => assertChannels(operations, 1)).not.toThrow()
    expect(() => assertChannels(operations, 3)).not.toThrow()
  })
})

onEachBackend(() => {
  test('bilinear blends the four pixels around a source, repeats the border, and rounds', () => {
    const images = tf.div<tf.Tensor4D>(tf.tensor4d([0, 100, 200, 40], [1, 1, 4, 1]), 255)
    const sheared = (magnitude: number): number[] => {
      const tall = tf.concat([images, images], 1)
      const options = { op: 'ShearX', magnitudes: [magnitude], fill: 1 } as const
      const out = applyOperation(tall, { ...options, interpolation: 'bilinear' })
      return [...tf.mul(out, 255).dataSync()].map(Math.round)
    }
    // The first row's source is a quarter to the right, the second's three quarters.
    expect(sheared(0.5)).toEqual([25, 125, 160, 40, 75, 175, 80, 255])
    expect(sheared(0)).toEqual([0, 100, 200, 40, 0, 100, 200, 40])
    expect(() =>
      applyOperation(images, { op: 'Rotate', magnitudes: [1], interpolation: 'cubic' as never }),
    ).toThrow("operations: expected interpolation to be 'nearest' or 'bilinear', got cubic")
  })
})

test('a trick of drawn steps draws per image, fills with the mean and applies what it drew', () => {
  const trick = drawnSteps('leaning', {
    fill: 'mean',
    used: ['Rotate'],
    drawing: () => (image) => [{ op: 'Rotate', magnitude: image.uniform(-30, 30) }],
  })
  const images = tf.randomUniform<tf.Rank.R4>([2, 9, 7, 3], 0, 1, 'float32', 1)
  const shape = { batch: 2, height: 9, width: 7, channels: 3, classes: 2, mean: [0.1, 0.2, 0.3] }
  const time = { step: 0, stepsPerEpoch: 1, steps: 1 }
  const params = trick.images.draw(createRandom(1), shape, time) as StepsParams
  expect(params.fill).toEqual(shape.mean)
  expect(new Set(params.steps.map(([step]) => step!.magnitude)).size).toBe(2)
  expectClose(trick.images.apply(images, params), applySteps(images, params))
})
