import { conformance, expectClose } from '@tricks/conformance'
import { compose } from '@tricks/core'
import { expect, test } from 'vitest'
import { warmupStableDecay, warmupStableDecaySchedule } from '../src/index.ts'
import fixture from './fixtures/warmup-stable-decay.json' with { type: 'json' }

test.each(fixture.cases)('matches the reference: $params', ({ params, expected }) => {
  const schedule = warmupStableDecaySchedule(
    params as Parameters<typeof warmupStableDecaySchedule>[0],
  )
  expectClose(
    expected.map((_, t) => schedule(t)),
    expected,
    { absolute: 1e-9, relative: 1e-6 },
  )
})

test('each phase may be omitted', () => {
  const rates = (warmup: number, stable: number, decay: number): number[] => {
    const schedule = warmupStableDecaySchedule({ rate: 1, warmup, stable, decay, min: 0.25 })
    return [0, 1, 2, 3].map(schedule)
  }
  expect(rates(0, 0, 0)).toEqual([0.25, 0.25, 0.25, 0.25])
  expect(rates(0, 2, 0)).toEqual([1, 1, 0.25, 0.25])
  expect(rates(2, 0, 0)).toEqual([0, 0.5, 0.25, 0.25])
  expect(rates(0, 0, 3)).toEqual([1, 0.75, 0.5, 0.25])
})

test('as a trick, it ends with the run, and no step has a rate of 0', () => {
  const trick = warmupStableDecay({ warmup: { steps: 4 }, decay: { fraction: 0.2 } })
  const pipeline = compose([trick], { steps: 100, stepsPerEpoch: 10 })
  const rates = [0, 3, 4, 50, 79, 80, 90, 99, 100].map((step) => pipeline.learningRate(0.1, step))
  expectClose(rates, [0.025, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.005, 0])
})

test.each([
  [{ rate: 0, warmup: 1, stable: 1, decay: 1 }, 'rate'],
  [{ rate: 1, warmup: -1, stable: 1, decay: 1 }, 'warmup'],
  [{ rate: 1, warmup: 1, stable: 1.5, decay: 1 }, 'stable'],
  [{ rate: 1, warmup: 1, stable: 1, decay: NaN }, 'decay'],
  [{ rate: 1, warmup: 1, stable: 1, decay: 1, min: 2 }, 'min'],
  [{ rate: 1, warmup: 1, stable: 1, decay: 1, shape: 'sqrt' as never }, 'shape'],
])('rejects a schedule with %j', (options, name) => {
  expect(() => warmupStableDecaySchedule(options)).toThrow(
    `warmup-stable-decay: expected ${name} to be `,
  )
})

conformance(() => warmupStableDecay(), {
  invalid: [
    () => warmupStableDecay({ shape: 'line' as never }),
    () => warmupStableDecay({ min: -1 }),
    () => warmupStableDecay({ decay: { fraction: 2 } }),
    () => warmupStableDecay({ stable: { steps: 10 } } as never),
  ],
})
