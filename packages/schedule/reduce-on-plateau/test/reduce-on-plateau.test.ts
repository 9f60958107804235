import { conformance, expectClose } from '@tricks/conformance'
import { compose, type Metrics, type Pipeline, type Trick } from '@tricks/core'
import { warmup } from '@tricks/warmup'
import { describe, expect, test } from 'vitest'
import { type PlateauOptions, plateauSchedule, reduceOnPlateau } from '../src/index.ts'
import fixture from './fixtures/reduce-on-plateau.json' with { type: 'json' }

test.each(fixture.cases)('as torch: $params', ({ params, metric, expected }) => {
  const { lr: rate, factor, patience, threshold, cooldown, min, mode } = params
  const options = { factor, patience, threshold, cooldown, min, mode } as PlateauOptions
  const schedule = plateauSchedule({ rate, ...options })
  const trick = told(reduceOnPlateau(options))
  const rates = metric.map((value) => {
    const used = [schedule.rate(), trick.rate(rate)]
    schedule.observe(value)
    trick.tell({ loss: value, accuracy: 0 })
    return used
  })
  for (const each of [0, 1])
    expectClose(
      rates.map((used) => used[each]!),
      expected,
      { absolute: 1e-12, relative: 1e-9 },
    )
})

function told(trick: Trick): {
  pipeline: Pipeline
  rate: (base: number) => number
  tell: (validation: Metrics | undefined) => void
} {
  const pipeline = compose([trick])
  const time = { step: 10, stepsPerEpoch: 10, steps: 100 }
  const training = { loss: 1, accuracy: 0 }
  return {
    pipeline,
    rate: (base) => pipeline.learningRate(base, 0),
    tell: (validation) =>
      void pipeline.afterEpoch!({ epoch: 0, time, training, variables: {}, validation }),
  }
}

describe('as a trick', () => {
  test('it watches the loss, or the accuracy in its own direction', () => {
    const byLoss = told(reduceOnPlateau({ patience: 0 }))
    byLoss.tell({ loss: 1, accuracy: 0.1 })
    byLoss.tell({ loss: 0.9, accuracy: 0.1 })
    expect(byLoss.rate(1)).toBe(1)
    byLoss.tell({ loss: 0.9, accuracy: 0.9 })
    expect(byLoss.rate(1)).toBe(0.1)

    const byAccuracy = told(reduceOnPlateau({ monitor: 'accuracy', patience: 0 }))
    byAccuracy.tell({ loss: 1, accuracy: 0.1 })
    byAccuracy.tell({ loss: 1, accuracy: 0.2 })
    expect(byAccuracy.rate(1)).toBe(1)
    byAccuracy.tell({ loss: 0, accuracy: 0.2 })
    expect(byAccuracy.rate(1)).toBe(0.1)
  })

  test('its state goes through JSON, before and after the first metric', () => {
    const first = told(reduceOnPlateau({ patience: 1 }))
    const second = told(reduceOnPlateau({ patience: 1 }))
    const hand = (): void =>
      second.pipeline.state!.restore(JSON.parse(JSON.stringify(first.pipeline.state!.save())))
    hand()
    for (const loss of [1, 1, 1, 1, 1]) {
      first.tell({ loss, accuracy: 0 })
      second.tell({ loss, accuracy: 0 })
      expect(second.rate(1)).toBe(first.rate(1))
      hand()
    }
    expect(second.rate(1)).toBeCloseTo(0.01, 12)
  })

  test('a metric that is no number is no better', () => {
    const { rate, tell } = told(reduceOnPlateau({ patience: 1 }))
    for (const loss of [NaN, Infinity]) tell({ loss, accuracy: 0 })
    expect(rate(1)).toBe(0.1)
  })

  test('without validation it says so', () => {
    expect(() => told(reduceOnPlateau()).tell(undefined)).toThrow(
      'reduce-on-plateau: there are no validation metrics to watch',
    )
  })
})

test('a cut of 1e-8 or less is not made', () => {
  const schedule = plateauSchedule({ rate: 2e-8, factor: 0.6, patience: 0 })
  for (const metric of [1, 1, 1]) schedule.observe(metric)
  expect(schedule.rate()).toBe(2e-8)
})

test('what does not fit is said', () => {
  expect(() => plateauSchedule({ rate: 0, factor: 0.1, patience: 1 })).toThrow(
    'reduce-on-plateau: expected rate to be a number above 0, got 0',
  )
})

conformance(() => reduceOnPlateau({ patience: 0, cooldown: 1 }), {
  invalid: [
    () => reduceOnPlateau({ factor: 1 }),
    () => reduceOnPlateau({ patience: -1 }),
    () => reduceOnPlateau({ threshold: 1 }),
    () => reduceOnPlateau({ cooldown: 0.5 }),
    () => reduceOnPlateau({ min: NaN }),
    () => reduceOnPlateau({ mode: 'least' as 'min' }),
    () => reduceOnPlateau({ monitor: 'error' as 'loss' }),
  ],
})

const over = { steps: 4 }
conformance(() => warmup({ multiplier: 8, over, after: reduceOnPlateau({ patience: 0 }) }))

test('after a warm-up it cuts the rate that was reached, on its own clock', () => {
  const pipeline = compose([
    warmup({ multiplier: 8, over: { steps: 10 }, after: reduceOnPlateau({ patience: 0 }) }),
  ])
  const rates = [0, 10, 20, 30].map((step) => {
    const time = { step, stepsPerEpoch: 10, steps: 100 }
    const metrics = { loss: 1, accuracy: 0 }
    if (step > 0)
      pipeline.afterEpoch!({
        epoch: 0,
        time,
        training: metrics,
        validation: metrics,
        variables: {},
      })
    return pipeline.learningRate(0.1, time)
  })
  expectClose(rates, [0.1, 0.8, 0.8, 0.08])
})
