import { conformance, expectClose } from '@tricks/conformance'
import { compose } from '@tricks/core'
import { expect, test } from 'vitest'
import { multiStepSchedule, stepDecay, stepSchedule } from '../src/index.ts'
import fixture from './fixtures/step-decay.json' with { type: 'json' }

test.each(fixture.cases)('as torch: $kind $params', ({ params, expected }) => {
  const { lr: rate, stepSize: size, milestones, gamma } = params
  const schedule = milestones
    ? multiStepSchedule({ rate, milestones, gamma })
    : stepSchedule({ rate, size, gamma })
  expectClose(
    expected.map((_, t) => schedule(t)),
    expected,
    { absolute: 1e-12, relative: 1e-9 },
  )
})

test('milestones may come in any order, and two at once cut twice', () => {
  const schedule = multiStepSchedule({ rate: 1, milestones: [6, 3, 6], gamma: 0.5 })
  expect([2, 3, 5, 6, 99].map(schedule)).toEqual([1, 0.5, 0.5, 0.125, 0.125])
})

test('as a trick it counts epochs, steps and shares of the run', () => {
  const rates = (trick: ReturnType<typeof stepDecay>, steps: number[]): number[] => {
    const pipeline = compose([trick], { steps: 100, stepsPerEpoch: 10 })
    return steps.map((step) => pipeline.learningRate(1, step))
  }
  expect(rates(stepDecay({ size: { epochs: 2 }, gamma: 0.5 }), [19, 20, 40])).toEqual([
    1, 0.5, 0.25,
  ])
  const milestones = [{ fraction: 0.5 }, { epochs: 7.5 }, { steps: 90 }]
  expect(rates(stepDecay({ milestones, gamma: 0.5 }), [49, 50, 75, 90])).toEqual([
    1, 0.5, 0.25, 0.125,
  ])
  expect(rates(stepDecay({ size: { steps: 1 } }), [0, 1])).toEqual([1, 0.1])
})

test('what does not fit is said', () => {
  expect(() => stepSchedule({ rate: 1, size: 0, gamma: 0.1 })).toThrow(
    'step-decay: expected size to be a positive integer, got 0',
  )
  expect(() => multiStepSchedule({ rate: 1, milestones: [0.5], gamma: 0.1 })).toThrow(
    'step-decay: expected milestones to be whole numbers of at least 0, got [0.5]',
  )
  expect(() => stepSchedule({ rate: 0, size: 1, gamma: 0.1 })).toThrow(
    'rate to be a number above 0',
  )
})

conformance(() => stepDecay({ size: { epochs: 1 } }), {
  invalid: [
    () => stepDecay({}),
    () => stepDecay({ size: { steps: 0 } }),
    () => stepDecay({ size: { steps: 1.5 } }),
    () => stepDecay({ size: { steps: 5 }, milestones: [] }),
    () => stepDecay({ size: { steps: 5 }, gamma: 1 }),
    () => stepDecay({ milestones: [{ fraction: 2 }] }),
  ],
})
conformance(() => stepDecay({ milestones: [{ fraction: 0.5 }, { fraction: 0.75 }] }))
