import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  type ConformanceOptions,
  evenly,
  expectClose,
  expectFrequencies,
  expectIndependent,
  laws,
  asInPipeline,
} from '@tricks/conformance'
import { createRandom, type Trick } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import {
  applyAutoAugment,
  applyOperation,
  autoAugment,
  autoAugmentBatch,
  type AutoAugmentParams,
  magnitudeOf,
  type Operation,
  operations,
  policies,
  type Policy,
  type Step,
} from '../src/index.ts'
import learned from './fixtures/autoaugment-policies.json' with { type: 'json' }

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

  test('operations missing in torchvision follow the paper: a weight of 0 to 0.4, and squares of 0 to 60 of 331', () => {
    expectClose(
      [0, 3, 9].map((strength) => magnitudeOf('SamplePairing', strength, [32, 24])),
      [0, 0.4 / 3, 0.4],
    )
    expectClose(magnitudeOf('Cutout', 9, [662, 331]), 60)
    // The weight has no sign, nor has the square.
    expectClose(magnitudeOf('SamplePairing', 9, [32, 24], true), 0.4)
    expect(magnitudeOf('Solarize', null, [32, 24])).toBe(0)
  })

  test('translation scales with its axis', () => {
    expectClose(magnitudeOf('TranslateX', 9, [331, 662]), 300)
    expectClose(magnitudeOf('TranslateY', 9, [331, 662]), 150)
  })

  test.each<[unknown, string]>([
    [
      'cifar',
      "policy to be 'cifar10', 'svhn', 'imagenet' or a list of sub-policies, each a list of",
    ],
    [null, "policy to be 'cifar10', 'svhn', 'imagenet' or a list of sub-policies, each a list of"],
    [[], 'policy to be a list of 1 to 10000 sub-policies, got []'],
    [[[]], 'policy[0] to be a list of 1 to 32 steps [op, probability, magnitude], got []'],
    [[null], 'policy[0] to be a list of 1 to 32 steps [op, probability, magnitude], got null'],
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
    [[[['Rotate', '0.5', 3]]], 'policy[0][0][1] to be a probability in [0, 1], got 0.5'],
    [[[['Rotate', 0.5, 10]]], 'policy[0][0][2] to be an integer in [0, 9], or null'],
    [[[['Rotate', 0.5, NaN]]], 'policy[0][0][2] to be an integer in [0, 9], or null'],
    [[[['Rotate', 0.5, null]]], 'policy[0][0][2] to be an integer in [0, 9], or null'],
  ])('%j is invalid', (policy, message) => {
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
/** χ² of counts against a uniform distribution. */
const chiSquared = (counts: readonly number[]): number => {
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
    expect(chiSquared(counts)).toBeLessThan(27.88)
  })

  test.each(['cifar10', 'svhn', 'imagenet'] as const)(
    'apply each operation of %s with its probability',
    (name) => {
      const { steps } = drawn(name)
      const counts = new Map<Operation, number>()
      for (const step of steps.flat()) if (step) counts.set(step.op, (counts.get(step.op) ?? 0) + 1)
      for (const op of operations) {
        const chances = policies[name].flat().filter(([own]) => own === op)
        const expected = chances.reduce((sum, [, probability]) => sum + probability / 25, 0)
        // Both operations of an image may be the same; four deviations, as there are many.
        const error = 4 * Math.sqrt((2 * expected) / 20_000)
        expect(Math.abs((counts.get(op) ?? 0) / 20_000 - expected)).toBeLessThanOrEqual(error)
      }
    },
  )

  test('have both signs equally often, independently of whether they are applied', () => {
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

  test('draw uniform centres for cutout and partners for sample pairing', () => {
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
    expect(chiSquared(counts(rows!, 8, 32))).toBeLessThan(24.32)
    expect(chiSquared(counts(columns!, 8, 24))).toBeLessThan(24.32)
    expect(chiSquared(counts(partners, 8, 2000))).toBeLessThan(24.32)
    expectClose(steps[0]![0]!.magnitude, (60 / 331) * 24)
  })

  test('fill with grey, or with the mean', () => {
    expect(drawn('cifar10', 1).fill).toBe(0.5)
    const { images } = autoAugment({ fill: 'mean' })
    const params = images!.draw(createRandom(1), { ...size, batch: 1 }, time) as AutoAugmentParams
    expect(params.fill).toEqual(size.mean)
  })
})

describe('channels', () => {
  const data = (channels: number) =>
    ({
      data: { size: 8, height: 8, width: 8, channels, classes: 2, mean: [], deviation: [] },
    }) as never
  const refusal = (channels: number): string =>
    `autoaugment: expected channels to be 1 or 3 for Color, got ${channels}`

  test.each([2, 4])('%d are rejected when a run starts, and at every step', (channels) => {
    const trick = autoAugment()
    const { images } = trick
    expect(() => trick.start!(data(channels))).toThrow(
      refusal(channels).replace('Color', 'Contrast'),
    )
    // For a batch of one, most steps draw no operation that needs a luma.
    for (let step = 0; step < 20; step++)
      expect(() =>
        images!.draw(createRandom(step), { ...size, batch: 1, channels }, { ...time, step }),
      ).toThrow('autoaugment: expected channels to be 1 or 3')
    expect(() =>
      autoAugmentBatch(tf.zeros<tf.Rank.R4>([1, 4, 4, channels]), {
        seed: 1,
        policy: [[['Color', 0, 0]]],
      }),
    ).toThrow(refusal(channels))
  })

  test('1 and 3 are accepted, and any number if the policy needs no luma', () => {
    for (const channels of [1, 3]) expect(() => autoAugment().start!(data(channels))).not.toThrow()
    const policy: Policy = [[['Rotate', 1, 9]], [['Equalize', 1, null]]]
    expect(() => autoAugment({ policy }).start!(data(4))).not.toThrow()
    expect(autoAugmentBatch(tf.zeros<tf.Rank.R4>([3, 4, 4, 4]), { policy, seed: 1 }).shape).toEqual(
      [3, 4, 4, 4],
    )
  })
})

asInPipeline(autoAugment, autoAugmentBatch, { policy: 'svhn' })

test('describes its draws', () => {
  const steps: AutoAugmentParams['steps'] = [
    [{ op: 'Rotate', magnitude: -12.4 }, null],
    [null, null],
    [
      { op: 'ShearX', magnitude: 0.2667 },
      { op: 'Invert', magnitude: 0 },
    ],
  ]
  const { describe: words } = autoAugment().images!
  expect([0, 1, 2].map((image) => words!({ steps }, image))).toEqual([
    'Rotate −12°',
    '',
    'ShearX +0.27, Invert',
  ])
})

test('rejects invalid options and mismatched shapes', () => {
  const images = tf.zeros<tf.Rank.R4>([2, 4, 4, 3])
  expect(() => applyAutoAugment(images, { steps: [[]] })).toThrow(
    'autoaugment: expected steps to be 2 lists, one per image, got [[]]',
  )
  expect(() => applyAutoAugment(images, { steps: [[], []], fill: [0, 0] })).toThrow(
    'autoaugment: expected fill to be one value, or 3, one per channel, got [0,0]',
  )
  expect(() => autoAugment({ policies: 'svhn' } as never)).toThrow(
    'autoaugment: expected options to be some of policy, fill, key, got policies',
  )
})

test('re-exports applyOperation', () => {
  const images = tf.ones<tf.Rank.R4>([2, 4, 4, 3])
  const inverted = applyOperation(images, { op: 'Invert', magnitudes: [0, 0] })
  expect(Math.max(...inverted.dataSync())).toBe(0)
})

/** The possible outcomes for an image under a policy, with probabilities; magnitudes are those of 32×24. */
function outcomes(policy: Policy): Record<string, number> {
  const probabilities: Record<string, number> = {}
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
    for (const [outcome, share] of Object.entries(own))
      probabilities[outcome] = (probabilities[outcome] ?? 0) + share
  }
  return probabilities
}
const outcomeOf = (steps: AutoAugmentParams['steps'][number]): string =>
  steps.map((step) => (step ? `${step.op} ${step.magnitude};` : 'none;')).join('')
const drawnBy = (policy: Policy): ConformanceOptions => {
  const probabilities = outcomes(policy)
  return {
    distribution(draws: readonly AutoAugmentParams[]) {
      const steps = draws.flatMap((params) => params.steps)
      expectFrequencies({ outcomes: steps.map(outcomeOf) }, probabilities)
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
test('options are as resolved', () => {
  expect(autoAugment().options).toEqual({ policy: 'cifar10', fill: 0.5 })
  expect(autoAugment({ policy: 'svhn', fill: 0 }).options).toEqual({ policy: 'svhn', fill: 0 })
})

conformance(() => autoAugment(), {
  ...drawnBy(policies.cifar10),
  shifted: {
    'larger magnitudes for shears': stepsOf((steps) =>
      steps.map((step) =>
        step?.op === 'ShearY' ? { ...step, magnitude: step.magnitude * 1.1 } : step,
      ),
    ),
    'translation one way only': stepsOf((steps) =>
      steps.map((step) =>
        step?.op === 'TranslateX' ? { ...step, magnitude: Math.abs(step.magnitude) } : step,
      ),
    ),
    'a missing second operation in one of eight images': stepsOf(([first, second], image) => [
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
    () => autoAugment({ fill: '0.5' as never }),
    () => autoAugment({ fill: null as never }),
    () => autoAugment({ fill: NaN }),
    () => autoAugment({ filling: 0 } as never),
  ],
})
conformance(() => autoAugment({ policy: 'svhn', fill: 'mean' }), drawnBy(policies.svhn))
conformance(() => autoAugment({ policy: 'imagenet' }), drawnBy(policies.imagenet))
// Sample pairing takes another image of the batch, which a shard does not contain.
const others = operations.filter((op) => op !== 'SamplePairing')
const each = others.map((op): Policy[number] => [[op, 1, 7]])
conformance(() => autoAugment({ policy: each }), drawnBy(each))

test('law 9 holds for centres and partners, and detects deviations', async () => {
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
