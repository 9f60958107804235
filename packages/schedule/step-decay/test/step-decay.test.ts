import { conformance, expectClose } from '@tricks/conformance'
import { compose } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { multiStepSchedule, stepDecay, type StepDecayOptions, stepSchedule } from '../src/index.ts'
import fixture from './fixtures/step-decay.json' with { type: 'json' }

test.each(fixture.cases)('matches torch: $kind $params', ({ params, expected }) => {
  const { lr: rate, gamma } = params
  const schedule =
    params.milestones !== undefined
      ? multiStepSchedule({ rate, milestones: params.milestones, gamma })
      : stepSchedule({ rate, size: params.stepSize, gamma })
  expectClose(
    expected.map((_, t) => schedule(t)),
    expected,
    { absolute: 0, relative: 1e-12 },
  )
})

test('a duplicate milestone counts twice, and an empty list never cuts', () => {
  expect(multiStepSchedule({ rate: 1, milestones: [2, 2], gamma: 0.5 })(2)).toBe(0.25)
  expect(multiStepSchedule({ rate: 1, milestones: [], gamma: 0.5 })(1000)).toBe(1)
})

describe('as a trick', () => {
  const rates = (options: StepDecayOptions, ...steps: number[]): number[] => {
    const pipeline = compose([stepDecay(options)], { steps: 100, stepsPerEpoch: 10 })
    return steps.map((step) => pipeline.learningRate(1, step))
  }
  test('it cuts at regular intervals', () => {
    expect(rates({ every: { epochs: 2 }, gamma: 0.5 }, 0, 19, 20, 39, 40)).toEqual([
      1, 1, 0.5, 0.5, 0.25,
    ])
    expect(rates({ every: { fraction: 0.5 }, gamma: 0.5 }, 49, 50)).toEqual([1, 0.5])
    expect(rates({ gamma: 0.5 }, 299, 300)).toEqual([1, 0.5])
  })
  test('or at milestones in any unit', () => {
    const milestones = [{ fraction: 0.9 }, { steps: 15 }, { epochs: 3 }]
    expect(rates({ milestones, gamma: 0.5 }, 0, 14, 15, 29, 30, 89, 90)).toEqual([
      1, 1, 0.5, 0.5, 0.25, 0.25, 0.125,
    ])
  })
})

test.each([
  [() => multiStepSchedule({ rate: 0, milestones: [], gamma: 0.1 }), 'rate'],
  [() => multiStepSchedule({ rate: 1, milestones: [-1], gamma: 0.1 }), 'milestones'],
  [() => multiStepSchedule({ rate: 1, milestones: [], gamma: 0 }), 'gamma'],
  [() => multiStepSchedule({ rate: 1, milestones: [], gamma: 1 }), 'gamma'],
  [() => multiStepSchedule({ rate: 1, milestones: [], gamma: NaN }), 'gamma'],
  [() => stepSchedule({ rate: 1, size: 1.5, gamma: 0.1 }), 'size'],
  [() => stepSchedule({ rate: 1, size: 1, gamma: 0 }), 'gamma'],
  [() => stepSchedule({ rate: Infinity, size: 1, gamma: 0.1 }), 'rate'],
])('%s is rejected', (make, name) => {
  expect(make).toThrow(`step-decay: expected ${name} to be `)
})

test('a milestone at the first step applies from that step', () => {
  const schedule = multiStepSchedule({ rate: 1, milestones: [0, 2], gamma: 0.5 })
  expect([0, 1, 2].map(schedule)).toEqual([0.5, 0.5, 0.25])
})

test.each([{}, { milestones: [{ steps: 3 }] }])(
  'it sets the rate, which conflicts with another: %j',
  (options) => {
    const twice = [stepDecay(options), stepDecay({ ...options, key: 'other' })]
    expect(() => compose(twice)).toThrow('step-decay and other both set the learning rate')
  },
)

test('resolves options with defaults', () => {
  expect(stepDecay().options).toEqual({ gamma: 0.1, every: { epochs: 30 } })
  expect(stepDecay({ milestones: [{ steps: 3 }], gamma: 0.5 }).options).toEqual({
    gamma: 0.5,
    milestones: [{ steps: 3 }],
  })
})

test('rejects invalid parameters', () => {
  expect(() => stepSchedule({ rate: 0.1, size: 0, gamma: 0.1 })).toThrow(
    'step-decay: expected size to be a positive integer, got 0',
  )
  expect(() => stepSchedule({ rate: 0, size: 1, gamma: 0.1 })).toThrow('rate to be a number above')
  expect(() => multiStepSchedule({ rate: 1, milestones: [3, 2.5], gamma: 0.1 })).toThrow(
    'milestones to be whole numbers of at least 0, got [3,2.5]',
  )
  for (const [name, wrong] of [
    ['rate', '0.1'],
    ['size', '3'],
    ['gamma', NaN],
    ['gamma', null],
    ['milestones', [3]],
  ] as const)
    expect(() => stepSchedule({ rate: 1, size: 1, gamma: 0.1, [name]: wrong as never })).toThrow(
      `step-decay: expected ${name === 'milestones' ? 'options' : name} to be`,
    )
  for (const wrong of [['3'], 3, null, undefined] as unknown as number[][])
    expect(() => multiStepSchedule({ rate: 1, milestones: wrong, gamma: 0.1 })).toThrow(
      'step-decay: expected milestones to be whole numbers',
    )
})

conformance(() => stepDecay({ every: { epochs: 1 } }), {
  invalid: [
    () => stepDecay({ gamma: 1 }),
    () => stepDecay({ gamma: '0.1' as never }),
    () => stepDecay({ every: null as never }),
    () => stepDecay({ size: 30 } as never),
    () => stepDecay({ every: { epochs: 0 } }),
    () => stepDecay({ every: 30 as unknown as { epochs: number } }),
  ],
})
conformance(() => stepDecay({ milestones: [{ steps: 4 }, { fraction: 0.75 }] }), {
  invalid: [
    () => stepDecay({ milestones: [{ epochs: -1 }] }),
    () => stepDecay({ milestones: [60] as unknown as { epochs: number }[] }),
    () => stepDecay({ milestones: [{ steps: 4 }, 60] as unknown as { epochs: number }[] }),
    () => stepDecay({ milestones: [], gamma: 0 }),
    // @ts-expect-error: milestones exclude every
    () => stepDecay({ milestones: [], every: { epochs: 1 } }),
    () => stepDecay({ milestones: null as never }),
  ],
})
