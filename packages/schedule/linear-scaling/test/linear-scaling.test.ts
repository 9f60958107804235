import { conformance, expectClose } from '@tricks/conformance'
import { compose } from '@tricks/core'
import { expect, test } from 'vitest'
import { linearScaling, scaleRate } from '../src/index.ts'
import fixture from './fixtures/linear-scaling.json' with { type: 'json' }

test.each(fixture.cases)('as the paper: $params', ({ params, expected }) => {
  expectClose(
    params.map(({ lr, batch, base }) => scaleRate(lr, batch, base)),
    expected,
    { absolute: 1e-12, relative: 1e-12 },
  )
})

const run = {
  variables: {},
  data: { size: 1, height: 1, width: 1, channels: 1, classes: 2, mean: [0], deviation: [1] },
  batchSize: 512,
  time: { step: 0, stepsPerEpoch: 10, steps: 100 },
}
const rateIn = (trick: ReturnType<typeof linearScaling>, batchSize = 512): number => {
  const pipeline = compose([trick])
  pipeline.setup({ ...run, batchSize })
  return pipeline.learningRate(0.1, 0)
}

test("as a trick it takes the run's batch size, unless told another", () => {
  expect(scaleRate(0.1, 256)).toBe(0.1)
  expect(rateIn(linearScaling())).toBe(0.2)
  expect(rateIn(linearScaling(), 128)).toBe(0.05)
  expect(rateIn(linearScaling({ batchSize: 1024 }))).toBe(0.4)
  expect(rateIn(linearScaling({ baseBatchSize: 128 }))).toBe(0.4)
})

test('accumulated batches and workers make an update larger', () => {
  expect(rateIn(linearScaling({ accumulation: 2 }))).toBe(0.4)
  expect(rateIn(linearScaling({ accumulation: 2, workers: 4 }))).toBe(1.6)
})

test('what does not fit is said', () => {
  expect(() => scaleRate(0.1, 1.5)).toThrow(
    'linear-scaling: expected batchSize to be a positive integer, got 1.5',
  )
  expect(() => scaleRate(-1, 256)).toThrow('linear-scaling: expected rate to be at least 0, got -1')
  expect(() => compose([linearScaling()]).learningRate(0.1, 0)).toThrow(
    'linear-scaling: the batch size is unknown',
  )
})

conformance(() => linearScaling({ batchSize: 1024 }), {
  invalid: [
    () => linearScaling({ batchSize: 0 }),
    () => linearScaling({ baseBatchSize: 1.5 }),
    () => linearScaling({ accumulation: 0 }),
    () => linearScaling({ workers: NaN }),
  ],
})
