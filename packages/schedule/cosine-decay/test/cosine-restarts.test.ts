import { conformance, expectClose } from '@tricks/conformance'
import { compose } from '@tricks/core'
import { expect, test } from 'vitest'
import { cosineRestarts, cosineRestartsSchedule } from '../src/index.ts'
import fixture from './fixtures/cosine-restarts.json' with { type: 'json' }

test.each(fixture.cases)('matches torch and timm: $params', ({ params, expected }) => {
  const schedule = cosineRestartsSchedule(params)
  const rates = expected.map((_, t) => schedule(t))
  expectClose(rates, expected, { absolute: 1e-9, relative: 1e-6 })
})

test('late cycles start at the right step', () => {
  const same = cosineRestartsSchedule({ rate: 1, period: 7 })
  expect([7e6, 7e6 + 7].map(same)).toEqual([1, 1])
  const twice = cosineRestartsSchedule({ rate: 1, period: 3, multiplier: 2 })
  // 3 · (2^20 − 1)
  expect(twice(3 * (2 ** 20 - 1))).toBe(1)
  expect(twice(3 * (2 ** 20 - 1) - 1)).toBeLessThan(1e-9)
})

test('as a trick, it takes its period from the run', () => {
  const rate = (trick: ReturnType<typeof cosineRestarts>, step: number): number =>
    compose([trick], { steps: 100, stepsPerEpoch: 10 }).learningRate(0.1, step)
  const trick = cosineRestarts({ period: { epochs: 2 }, decay: 0.5, cycles: 2, min: 0.01 })
  expectClose(
    [0, 10, 20, 30, 40, 90].map((step) => rate(trick, step)),
    [0.1, 0.055, 0.05, 0.03, 0.01, 0.01],
  )
})

test.each([
  [{ rate: 0, period: 10 }, 'rate'],
  [{ rate: 1, period: 0 }, 'period'],
  [{ rate: 1, period: 1.5 }, 'period'],
  [{ rate: 1, period: 10, multiplier: 0.5 }, 'multiplier'],
  [{ rate: 1, period: 10, min: -0.1 }, 'min'],
  [{ rate: 1, period: 10, decay: 0 }, 'decay'],
  [{ rate: 1, period: 10, decay: 1.1 }, 'decay'],
  [{ rate: 1, period: 10, cycles: 0 }, 'cycles'],
])('rejects a schedule with %j', (options, name) => {
  expect(() => cosineRestartsSchedule(options)).toThrow(`cosine-restarts: expected ${name} to be `)
})

conformance(() => cosineRestarts({ period: { epochs: 1 }, multiplier: 2 }), {
  invalid: [
    () => cosineRestarts({ period: { epochs: 0 } }),
    () => cosineRestarts({ multiplier: 0 }),
    () => cosineRestarts({ cycles: 1.5 }),
    () => cosineRestarts({ decay: NaN }),
    () => cosineRestarts({ over: { epochs: 1 } } as never),
  ],
})
