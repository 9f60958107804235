import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  type ConformanceOptions,
  evenly,
  expectClose,
  expectFrequencies,
  expectIndependent,
  fromFixture,
  laws,
  onEachBackend,
} from '@tricks/conformance'
import { createRandom, type Trick } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import {
  applyAutoAugment,
  applyOperation,
  autoAugment,
  type AutoAugmentParams,
  magnitudeOf,
  type Operation,
  operations,
  policies,
  type Policy,
  type Step,
} from '../src/index.ts'
import fixture from './fixtures/autoaugment-ops.json' with { type: 'json' }
import learned from './fixtures/autoaugment-policies.json' with { type: 'json' }

const { input } = fixture.cases[0]!
const cases = fixture.cases.slice(1) as unknown as {
  op: Operation
  magnitude: number
  expected: Record<'tensor' | 'pil', { shape: number[]; data: number[] }>
}[]
const grid = (): tf.Tensor4D => tf.div(fromFixture({ ...input!, dtype: 'float32' }), 255)
const fill = 128 / 255
const levelsOf = (images: tf.Tensor): number[] =>
  Array.from(images.dataSync(), (value) => Math.round(value * 255))

/** What share of the levels are off, and by how much at most. */
function difference(a: readonly number[], b: readonly number[]): { share: number; most: number } {
  const apart = a.map((level, i) => Math.abs(level - b[i]!))
  const off = apart.filter((distance) => distance > 0).length
  return { share: off / a.length, most: Math.max(...apart) }
}

/** The operations whose two paths in torchvision differ: PIL rounds greys and means, and halves otherwise. */
const onlyTensor: readonly Operation[] = [
  'Rotate',
  'Color',
  'Contrast',
  'Sharpness',
  'AutoContrast',
]
/** Those with a sum of products, in which devices may round otherwise. */
const rounded: readonly Operation[] = ['Color', 'Contrast', 'Sharpness', 'AutoContrast']

onEachBackend(() => {
  test.each(cases)("as torchvision's tensors: $op $magnitude", ({ op, magnitude, expected }) => {
    const done = levelsOf(applyOperation(grid(), { op, magnitudes: [magnitude, magnitude], fill }))
    const tensor = difference(done, expected.tensor.data)
    expect(tensor.most).toBeLessThanOrEqual(rounded.includes(op) ? 1 : 0)
    expect(tensor.share).toBeLessThanOrEqual(0.01)
    if (!onlyTensor.includes(op)) expect(done).toEqual(expected.pil.data)
  })

  test('each image has a magnitude of its own', () => {
    for (const op of ['ShearX', 'Brightness', 'Solarize', 'Posterize', 'Sharpness'] as const) {
      const [first, second] = cases.filter((each) => each.op === op)
      const magnitudes = [first!.magnitude, second!.magnitude]
      const done = levelsOf(applyOperation(grid(), { op, magnitudes, fill }))
      const half = done.length / 2
      const expected = [
        ...first!.expected.tensor.data.slice(0, half),
        ...second!.expected.tensor.data.slice(half),
      ]
      expect(difference(done, expected).share).toBeLessThanOrEqual(0.01)
    }
  })

  test('all operations at once do what each does alone, one after the other', () => {
    const images = tf.tile(grid(), [operations.length, 1, 1, 1])
    const steps = [...operations, ...operations].map((op, i): Step => ({
      op,
      magnitude:
        { Posterize: 5, Solarize: 100, Cutout: 9, SamplePairing: 0.3 }[op as string] ?? 0.25,
      center: [i, 31 - i],
      partner: 31 - i,
    }))
    // Each image's second operation is another one's first.
    const second = steps.map((_, i) => steps[(i + 5) % steps.length]!)
    const done = levelsOf(
      applyAutoAugment(images, { steps: steps.map((step, i) => [step, second[i]!]), fill }),
    )
    const alone = (before: tf.Tensor4D, step: Step, image: number): tf.Tensor4D => {
      const one = tf.slice<tf.Rank.R4, tf.Tensor4D>(before, image, 1)
      if (step.op !== 'SamplePairing') return applyAutoAugment(one, { steps: [[step]], fill })
      const pair = tf.concat([one, tf.slice<tf.Rank.R4, tf.Tensor4D>(images, step.partner!, 1)])
      return tf.slice(applyAutoAugment(pair, { steps: [[{ ...step, partner: 1 }], []] }), 0, 1)
    }
    const oneByOne = steps.flatMap((step, i) =>
      levelsOf(alone(alone(images, step, i), second[i]!, 0)),
    )
    expect(done).toEqual(oneByOne)
  })

  test('an image for which nothing is drawn stays to the bit, also off the grid', () => {
    const images = tf.randomUniform<tf.Rank.R4>([2, 4, 4, 3], 0, 1, 'float32', 1)
    const before = images.dataSync()
    const steps = [[null], [{ op: 'Invert', magnitude: 0 } as const]]
    const after = applyAutoAugment(images, { steps }).dataSync()
    expect(after.slice(0, 48)).toEqual(before.slice(0, 48))
    const inverted = Array.from(before.slice(48), (value) => 255 - Math.round(value * 255))
    expect(Array.from(after.slice(48), (value) => Math.round(value * 255))).toEqual(inverted)
    expect(applyAutoAugment(images, { steps: [[], []] }).dataSync()).toEqual(before)
  })

  test('cutout hides a square about its centre, clipped', () => {
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

  test("sample pairing takes a share of another image's pixels", () => {
    const images = tf.tensor4d([0, 100 / 255, 200 / 255], [3, 1, 1, 1])
    const params = { op: 'SamplePairing', magnitudes: [0.4, 0.2, 0], partners: [2, 0, 0] } as const
    expect(levelsOf(applyOperation(images, params))).toEqual([80, 80, 200])
  })

  test('an image of one channel has no color, and is its own grey', () => {
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

  test('a channel of one level has nothing to stretch or even out', () => {
    const images = tf.fill<tf.Rank.R4>([1, 20, 20, 3], 77 / 255)
    for (const op of ['AutoContrast', 'Equalize'] as const)
      expect(new Set(levelsOf(applyOperation(images, { op, magnitudes: [0] })))).toEqual(
        new Set([77]),
      )
  })
})

describe('policies', () => {
  test("are torchvision's", () => {
    expect(policies).toEqual({
      cifar10: learned.CIFAR10,
      svhn: learned.SVHN,
      imagenet: learned.ImageNet,
    })
  })

  test.each(Object.entries(learned.space))("%s's magnitudes are torchvision's", (name, range) => {
    const op = name as Operation
    range.magnitudes.forEach((magnitude, strength) => {
      expectClose(magnitudeOf(op, strength, [32, 32]), magnitude)
      const negative = magnitudeOf(op, strength, [32, 32], true)
      expectClose(negative, range.signed ? 0 - magnitude : magnitude)
    })
  })

  test("translation goes by its axis's length", () => {
    expectClose(magnitudeOf('TranslateX', 9, [331, 662]), 300)
    expectClose(magnitudeOf('TranslateY', 9, [331, 662]), 150)
  })

  test.each<[unknown, string]>([
    ['cifar', 'policy to be one of cifar10, svhn, imagenet, or a list, got cifar'],
    [
      [],
      'policy to be a list of sub-policies, each a list of [op, probability, magnitude], got []',
    ],
    [[[]], 'policy[0] to be a list of [op, probability, magnitude], got []'],
    [[[['Rotate', 0.5]]], 'policy[0][0] to be [op, probability, magnitude], got ["Rotate",0.5]'],
    [
      [
        [['Invert', 1, null]],
        [
          ['Invert', 1, null],
          ['Turn', 0.5, 3],
        ],
      ],
      'policy[1][1][0] to be one of ShearX, ShearY,',
    ],
    [[[['Rotate', 1.5, 3]]], 'policy[0][0][1] to be a probability in [0, 1], got 1.5'],
    [[[['Rotate', 0.5, 10]]], 'policy[0][0][2] to be a whole number from 0 to 9, or null'],
    [[[['Rotate', 0.5, null]]], 'policy[0][0][2] to be a whole number from 0 to 9, or null'],
  ])('%j is none', (policy, message) => {
    expect(() => autoAugment({ policy: policy as Policy })).toThrow(
      `autoaugment: expected ${message}`,
    )
  })
})

const size = { height: 32, width: 24, channels: 3, classes: 10, mean: [0.4, 0.5, 0.6] }
const time = { step: 0, stepsPerEpoch: 10, steps: 100 }
const drawn = (
  policy: Policy | 'cifar10' | 'svhn' | 'imagenet',
  batch = 20_000,
): AutoAugmentParams =>
  autoAugment({ policy }).images!.draw(
    createRandom(1),
    { ...size, batch },
    time,
  ) as AutoAugmentParams
/** χ² of counts against equal ones. */
const unevenness = (counts: readonly number[]): number => {
  const mean = counts.reduce((a, b) => a + b) / counts.length
  return counts.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0)
}

describe('draws', () => {
  test('choose sub-policies evenly', () => {
    const policy = Array.from({ length: 10 }, (_, i): Policy[number] => [['Solarize', 1, i]])
    const { steps } = drawn(policy)
    const counts = policy.map((_, i) => {
      const magnitude = magnitudeOf('Solarize', i, [32, 24])
      return steps.filter(([step]) => step!.magnitude === magnitude).length
    })
    // The 0.999 quantile with 9 degrees of freedom.
    expect(unevenness(counts)).toBeLessThan(27.88)
  })

  test.each(['cifar10', 'svhn', 'imagenet'] as const)(
    'do each operation of %s as often as its probabilities say',
    (name) => {
      const { steps } = drawn(name)
      const counts = new Map<Operation, number>()
      for (const step of steps.flat()) if (step) counts.set(step.op, (counts.get(step.op) ?? 0) + 1)
      for (const op of operations) {
        const chances = policies[name].flat().filter(([own]) => own === op)
        const expected = chances.reduce((sum, [, probability]) => sum + probability / 25, 0)
        // Two of an image may be the same; four deviations, as there are many.
        const error = 4 * Math.sqrt((2 * expected) / 20_000)
        expect(Math.abs((counts.get(op) ?? 0) / 20_000 - expected)).toBeLessThanOrEqual(error)
      }
    },
  )

  test('go either way as often, and independently of whether they happen', () => {
    const { steps } = drawn([
      [
        ['Rotate', 0.5, 9],
        ['ShearX', 0.5, 9],
      ],
    ])
    const [turned, sheared] = [steps.map(([step]) => step), steps.map(([, step]) => step)]
    const share = (
      of: readonly (Step | null | undefined)[],
      holds: (step: Step) => boolean,
    ): number => of.filter((step) => step && holds(step)).length / steps.length
    const error = 3 * Math.sqrt(1 / 4 / 20_000)
    expect(Math.abs(share(turned, () => true) - 0.5)).toBeLessThan(error)
    expect(Math.abs(share(turned, ({ magnitude }) => magnitude === -30) - 0.25)).toBeLessThan(error)
    expect(Math.abs(share(sheared, ({ magnitude }) => magnitude > 0) - 0.25)).toBeLessThan(error)
    const both = steps.filter(([a, b]) => a && b).length / steps.length
    expect(Math.abs(both - 0.25)).toBeLessThan(error)
  })

  test('give cutout a centre and sample pairing a partner, evenly', () => {
    const { steps } = drawn(
      [
        [
          ['Cutout', 1, 9],
          ['SamplePairing', 1, 9],
        ],
      ],
      2000,
    )
    const counts = (values: readonly number[], bins: number, limit: number): number[] =>
      Array.from(
        { length: bins },
        (_, bin) => values.filter((value) => Math.floor((value / limit) * bins) === bin).length,
      )
    const [rows, columns] = [0, 1].map((axis) => steps.map(([step]) => step!.center![axis]!))
    const partners = steps.map(([, step]) => step!.partner!)
    // The 0.999 quantile with 7 degrees of freedom.
    expect(unevenness(counts(rows!, 8, 32))).toBeLessThan(24.32)
    expect(unevenness(counts(columns!, 8, 24))).toBeLessThan(24.32)
    expect(unevenness(counts(partners, 8, 2000))).toBeLessThan(24.32)
    expectClose(steps[0]![0]!.magnitude, (60 / 331) * 24)
  })

  test('fill with grey, or with the mean', () => {
    expect(drawn('cifar10', 1).fill).toBe(0.5)
    const { images } = autoAugment({ fill: 'mean' })
    const params = images!.draw(createRandom(1), { ...size, batch: 1 }, time) as AutoAugmentParams
    expect(params.fill).toEqual(size.mean)
  })
})

test('what does not fit is said', () => {
  const images = tf.zeros<tf.Rank.R4>([2, 4, 4, 3])
  const apply = (params: object) => (): unknown =>
    applyOperation(images, { op: 'Rotate', magnitudes: [0, 0], ...params })
  expect(apply({ magnitudes: [0] })).toThrow(
    'autoaugment: expected magnitudes to be 2 numbers, one an image, got [0]',
  )
  expect(apply({ op: 'Turn' })).toThrow('autoaugment: expected op to be one of ShearX,')
  expect(apply({ fill: [0, 0] })).toThrow('expected fill to be one value, or 3, one a channel')
  expect(apply({ op: 'SamplePairing', partners: [0, 2] })).toThrow(
    'autoaugment: expected partners to be 2 places in [0, 2), got [0,2]',
  )
  expect(() => applyAutoAugment(images, { steps: [[]] })).toThrow(
    'autoaugment: expected steps to be 2 lists, one an image, got [[]]',
  )
  expect(() => applyOperation(tf.zeros([1, 4, 4, 2]), { op: 'Color', magnitudes: [0.5] })).toThrow(
    'autoaugment: expected 3 channels or 1, got 2',
  )
})

/** What may become of an image by a policy, each with its probability; magnitudes are those of 32×24. */
function outcomes(policy: Policy): Record<string, number> {
  const odds: Record<string, number> = {}
  for (const steps of policy) {
    let own: Record<string, number> = { '': 1 / policy.length }
    for (const [op, probability, strength] of steps) {
      const ways = [false, true].map((negative) => magnitudeOf(op, strength, [32, 24], negative))
      const { signed } = learned.space[op as keyof typeof learned.space] ?? { signed: false }
      const results: [string, number][] = [
        ['none', 1 - probability],
        ...(signed ? ways : ways.slice(1)).map((magnitude): [string, number] => [
          `${op} ${magnitude}`,
          probability / (signed ? 2 : 1),
        ]),
      ]
      const next: Record<string, number> = {}
      for (const [before, share] of Object.entries(own))
        for (const [result, chance] of results)
          next[`${before}${result};`] = (next[`${before}${result};`] ?? 0) + share * chance
      own = next
    }
    for (const [outcome, share] of Object.entries(own)) odds[outcome] = (odds[outcome] ?? 0) + share
  }
  return odds
}
const outcomeOf = (steps: AutoAugmentParams['steps'][number]): string =>
  steps.map((step) => (step ? `${step.op} ${step.magnitude};` : 'none;')).join('')
const drawnBy = (policy: Policy): ConformanceOptions => {
  const odds = outcomes(policy)
  return {
    distribution(draws: readonly AutoAugmentParams[]) {
      const steps = draws.flatMap((params) => params.steps)
      expectFrequencies({ outcomes: steps.map(outcomeOf) }, odds)
      const done = steps.flat().filter((step) => step !== null)
      const centers = done.filter(({ op }) => op === 'Cutout').map(({ center }) => center!)
      if (centers.length > 0) {
        const [rows, columns] = [centers.map(([row]) => row), centers.map(([, column]) => column)]
        expectFrequencies({ rows }, evenly(0, 32))
        expectFrequencies({ columns }, evenly(0, 24))
        expectIndependent({ rows, columns })
      }
      const partners = done.filter(({ op }) => op === 'SamplePairing').map((step) => step.partner!)
      if (partners.length > 0) expectFrequencies({ partners }, evenly(0, 8))
    },
  }
}
const stepsOf =
  (change: (steps: readonly (Step | null)[], image: number) => readonly (Step | null)[]) =>
  (params: AutoAugmentParams, step: number): AutoAugmentParams => ({
    ...params,
    steps: params.steps.map((steps, i) => change(steps, 8 * step + i)),
  })
conformance(() => autoAugment(), {
  ...drawnBy(policies.cifar10),
  shifted: {
    'a magnitude more for shears': stepsOf((steps) =>
      steps.map((step) =>
        step?.op === 'ShearY' ? { ...step, magnitude: step.magnitude * 1.1 } : step,
      ),
    ),
    'translation one way only': stepsOf((steps) =>
      steps.map((step) =>
        step?.op === 'TranslateX' ? { ...step, magnitude: Math.abs(step.magnitude) } : step,
      ),
    ),
    'a second operation left out in one of eight images': stepsOf(([first, second], image) => [
      first!,
      image % 8 === 0 ? null : second!,
    ]),
    'one operation for another': stepsOf((steps) =>
      steps.map((step) => (step?.op === 'Equalize' ? { ...step, op: 'AutoContrast' } : step)),
    ),
    'in another order': stepsOf((steps) => steps.toReversed()),
  },
  invalid: [
    () => autoAugment({ policy: 'cifar100' as 'cifar10' }),
    () => autoAugment({ policy: [[['Rotate', 2, 3]]] }),
    () => autoAugment({ fill: 255 }),
  ],
})
conformance(() => autoAugment({ policy: 'svhn', fill: 'mean' }), drawnBy(policies.svhn))
conformance(() => autoAugment({ policy: 'imagenet' }), drawnBy(policies.imagenet))
// Sample pairing takes another image of the batch, which a shard has not.
const others = operations.filter((op) => op !== 'SamplePairing')
const each = others.map((op): Policy[number] => [[op, 1, 7]])
conformance(() => autoAugment({ policy: each }), drawnBy(each))

test('law 9 holds for centres and partners, and notices others', async () => {
  const policy: Policy = [
    [
      ['Cutout', 0.9, 9],
      ['SamplePairing', 1, 9],
    ],
  ]
  const make = (): Trick => autoAugment({ policy })
  const law9 = laws.find(({ number }) => number === 9)!
  const shifted = {
    'centres one pixel down': stepsOf(([cut, ...rest]) => [
      cut ? { ...cut, center: [cut.center![0] + 1, cut.center![1]] } : null,
      ...rest,
    ]),
    'centres on the diagonal': stepsOf(([cut, ...rest]) => [
      cut ? { ...cut, center: [cut.center![1], cut.center![1]] } : null,
      ...rest,
    ]),
    'never the last partner': stepsOf(([cut, pair]) => [
      cut!,
      { ...pair!, partner: Math.min(6, pair!.partner!) },
    ]),
  }
  const options = { ...drawnBy(policy), shifted }
  await law9.check({ name: 'autoaugment', make, options })
})
