import { conformance, expectClose } from '@tricks/conformance'
import { compose } from '@tricks/core'
import { expect, test } from 'vitest'
import { polynomialDecay, polynomialSchedule } from '../src/index.ts'
import fixture from './fixtures/polynomial-decay.json' with { type: 'json' }

test.each(fixture.cases)('matches the reference: $params', ({ params, expected }) => {
  const schedule = polynomialSchedule(params)
  expectClose(
    expected.map((_, t) => schedule(t)),
    expected,
    { absolute: 1e-9, relative: 1e-6 },
  )
})

test('keeps the lowest rate after its end, which may equal the first rate', () => {
  const schedule = polynomialSchedule({ rate: 0.1, steps: 10, min: 0.01, power: 0.5 })
  expect([10, 11, 1000].map(schedule)).toEqual([0.01, 0.01, 0.01])
  expect([0, 5, 10].map(polynomialSchedule({ rate: 1, steps: 10, min: 1 }))).toEqual([1, 1, 1])
})

test('as a trick, it falls over the run, or over the given duration', () => {
  const rate = (trick: ReturnType<typeof polynomialDecay>, step: number): number =>
    compose([trick], { steps: 100, stepsPerEpoch: 10 }).learningRate(0.1, step)
  expectClose(rate(polynomialDecay(), 50), 0.05)
  expectClose(rate(polynomialDecay({ power: 2 }), 50), 0.025)
  expectClose(rate(polynomialDecay({ over: { epochs: 2 } }), 10), 0.05)
  expect(rate(polynomialDecay({ min: 0.01 }), 100)).toBe(0.01)
})

test.each([
  [{ rate: 0, steps: 10 }, 'rate'],
  [{ rate: 1, steps: 0 }, 'steps'],
  [{ rate: 1, steps: 10, power: 0 }, 'power'],
  [{ rate: 1, steps: 10, min: -0.1 }, 'min'],
  [{ rate: 0.1, steps: 10, min: 0.2 }, 'min'],
])('rejects a schedule with %j', (options, name) => {
  expect(() => polynomialSchedule(options)).toThrow(`polynomial-decay: expected ${name} to be `)
})

conformance(() => polynomialDecay(), {
  invalid: [
    () => polynomialDecay({ power: 0 }),
    () => polynomialDecay({ power: NaN }),
    () => polynomialDecay({ min: -1 }),
    () => polynomialDecay({ over: { fraction: 2 } }),
    () => polynomialDecay({ steps: 10 } as never),
  ],
})
