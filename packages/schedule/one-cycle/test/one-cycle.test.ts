import { conformance, expectClose } from '@tricks/conformance'
import { compose } from '@tricks/core'
import { expect, test } from 'vitest'
import { oneCycle, oneCycleSchedule } from '../src/index.ts'
import fixture from './fixtures/one-cycle.json' with { type: 'json' }

test.each(fixture.cases)('matches the reference: $params', ({ params, expected }) => {
  const schedule = oneCycleSchedule(params as Parameters<typeof oneCycleSchedule>[0])
  expectClose(
    expected.map((_, t) => schedule(t)),
    expected,
    { absolute: 1e-9, relative: 1e-6 },
  )
})

test('keeps its last rate after its end', () => {
  const schedule = oneCycleSchedule({ maxRate: 1, steps: 10, divide: 10, finalDivide: 10 })
  expectClose([9, 10, 11, 1000].map(schedule), [0.01, 0.01, 0.01, 0.01])
})

test('a phase may have one step, or none', () => {
  const rates = (warmup: number, steps = 4): number[] => {
    const schedule = oneCycleSchedule({ maxRate: 1, steps, warmup, divide: 2, finalDivide: 5 })
    return Array.from({ length: steps }, (_, t) => schedule(t))
  }
  // A rise of one step is immediate.
  expect(rates(0.25)[0]).toBe(1)
  expect(rates(1).at(-1)).toBe(1)
  expect(rates(1)[0]).toBe(0.5)
  for (const warmup of [0, 0.1, 0.25, 0.5, 1])
    for (const steps of [1, 2, 3, 7])
      expect(rates(warmup, steps).every((rate) => rate >= 0.1 - 1e-12 && rate <= 1)).toBe(true)
  for (const warmup of [0, 0.25, 0.5]) {
    const options = { maxRate: 1, warmup, threePhase: true }
    for (const steps of [1, 2, 3, 8])
      for (let t = 0; t < steps; t++)
        expect(Number.isFinite(oneCycleSchedule({ ...options, steps })(t))).toBe(true)
  }
})

test('as a trick, its maximum is the optimizer’s rate, over the run or the given duration', () => {
  const rate = (trick: ReturnType<typeof oneCycle>, step: number): number =>
    compose([trick], { steps: 100, stepsPerEpoch: 10 }).learningRate(0.1, step)
  expectClose(rate(oneCycle(), 29), 0.1)
  expectClose(rate(oneCycle(), 0), 0.004)
  expectClose(rate(oneCycle({ over: { epochs: 2 }, warmup: 0.5 }), 9), 0.1)
  expectClose(rate(oneCycle({ over: { epochs: 2 } }), 50), 0.1 / 25 / 1e4, { absolute: 1e-12 })
})

test.each([
  [{ maxRate: 0, steps: 10 }, 'maxRate'],
  [{ maxRate: 1, steps: 0 }, 'steps'],
  [{ maxRate: 1, steps: 1.5 }, 'steps'],
  [{ maxRate: 1, steps: 10, warmup: 1.1 }, 'warmup'],
  [{ maxRate: 1, steps: 10, warmup: 0.6, threePhase: true }, 'warmup'],
  [{ maxRate: 1, steps: 10, divide: 0.5 }, 'divide'],
  [{ maxRate: 1, steps: 10, finalDivide: NaN }, 'finalDivide'],
  [{ maxRate: 1, steps: 10, anneal: 'exponential' as never }, 'anneal'],
])('rejects a schedule with %j', (options, name) => {
  expect(() => oneCycleSchedule(options)).toThrow(`one-cycle: expected ${name} to be `)
})

conformance(() => oneCycle(), {
  invalid: [
    () => oneCycle({ warmup: -0.1 }),
    () => oneCycle({ warmup: 0.6, threePhase: true }),
    () => oneCycle({ divide: '25' as never }),
    () => oneCycle({ anneal: 'cos' as never }),
    () => oneCycle({ over: { steps: 1.5 } }),
    () => oneCycle({ maxRate: 0.1 } as never),
  ],
})
