import { conformance, expectClose } from '@tricks/conformance'
import { compose } from '@tricks/core'
import { expect, test } from 'vitest'
import { exponentialDecay, exponentialSchedule } from '../src/index.ts'
import fixture from './fixtures/exponential-decay.json' with { type: 'json' }

test.each(fixture.cases)('matches the reference: $params', ({ params, expected }) => {
  const schedule = exponentialSchedule(params)
  expectClose(
    expected.map((_, t) => schedule(t)),
    expected,
    { absolute: 1e-9, relative: 1e-6 },
  )
})

test('as a trick, it falls evenly by gamma over each epoch, or each given interval', () => {
  const rate = (trick: ReturnType<typeof exponentialDecay>, step: number): number =>
    compose([trick], { steps: 100, stepsPerEpoch: 10 }).learningRate(0.1, step)
  expectClose(rate(exponentialDecay({ gamma: 0.25 }), 10), 0.025)
  expectClose(rate(exponentialDecay({ gamma: 0.25 }), 5), 0.05)
  expectClose(rate(exponentialDecay({ gamma: 0.5, every: { steps: 3 } }), 6), 0.025)
  expectClose(rate(exponentialDecay({ gamma: 0.5, every: { fraction: 1 } }), 100), 0.05)
  expect(rate(exponentialDecay({ gamma: 1 }), 50)).toBe(0.1)
})

test.each([
  [{ rate: 0, gamma: 0.5 }, 'rate'],
  [{ rate: 1, gamma: 0 }, 'gamma'],
  [{ rate: 1, gamma: 1.1 }, 'gamma'],
  [{ rate: 1, gamma: '0.5' as never }, 'gamma'],
])('rejects a schedule with %j', (options, name) => {
  expect(() => exponentialSchedule(options)).toThrow(`exponential-decay: expected ${name} to be `)
})

conformance(() => exponentialDecay(), {
  invalid: [
    () => exponentialDecay({ gamma: 0 }),
    () => exponentialDecay({ gamma: 1.5 }),
    () => exponentialDecay({ every: { epochs: 0 } }),
    () => exponentialDecay({ rate: 0.1 } as never),
  ],
})
