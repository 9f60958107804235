import { conformance, expectClose } from '@tricks/conformance'
import { compose, type Run } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { linearScaling, type LinearScalingOptions, scaleRate } from '../src/index.ts'
import fixture from './fixtures/linear-scaling.json' with { type: 'json' }

test.each(fixture.cases)("matches the article's formula", ({ params, expected }) => {
  expectClose(
    params.map(({ lr, batch, base }) => scaleRate(lr, batch, base)),
    expected,
    { absolute: 0, relative: 1e-15 },
  )
  expect(scaleRate(0.1, 512)).toBe(0.2)
})

describe('as a trick', () => {
  const rate = (options: LinearScalingOptions, batchSize?: number): number => {
    const pipeline = compose([linearScaling(options)])
    if (batchSize !== undefined) pipeline.start({ batchSize } as Omit<Run, 'random'>)
    return pipeline.learningRate(0.5, 3)
  }
  test.each<[LinearScalingOptions, number | undefined, number]>([
    [{}, 128, 0.25],
    [{ batchSize: 512 }, 128, 1],
    [{ batchSize: 512 }, undefined, 1],
    [{ baseBatchSize: 128 }, 256, 1],
    [{ accumulation: 4 }, 128, 1],
    [{ accumulation: 2, workers: 8 }, 256, 8],
  ])('%j, batch size %d: %d', (options, batchSize, expected) => {
    expect(rate(options, batchSize)).toBe(expected)
  })

  test('a later run has its own batch size', () => {
    const pipeline = compose([linearScaling()])
    const rates = [256, 512].map((batchSize) => {
      pipeline.start({ batchSize } as Omit<Run, 'random'>)
      return pipeline.learningRate(0.1, 0)
    })
    expect(rates).toEqual([0.1, 0.2])
  })
})

test('a rate of 0 stays', () => {
  expect(scaleRate(0, 512)).toBe(0)
})

test('resolves options with defaults', () => {
  expect(linearScaling().options).toEqual({ baseBatchSize: 256, accumulation: 1, workers: 1 })
  expect(
    linearScaling({ batchSize: 8, baseBatchSize: 4, accumulation: 2, workers: 3 }).options,
  ).toEqual({ batchSize: 8, baseBatchSize: 4, accumulation: 2, workers: 3 })
})

test('rejects invalid parameters, and a rate before the run has started', () => {
  expect(() => compose([linearScaling()]).learningRate(0.1, 0)).toThrow(
    "'linear-scaling' has state: call pipeline.start",
  )
  expect(() => scaleRate(0.1, 12.5)).toThrow(
    'linear-scaling: expected batchSize to be a positive integer, got 12.5',
  )
  expect(() => scaleRate(0.1, 128, 0)).toThrow('baseBatchSize to be a positive integer, got 0')
  expect(() => scaleRate(-1, 128)).toThrow('rate to be a number of at least 0, got -1')
  for (const wrong of ['128', NaN, null] as unknown as number[]) {
    expect(() => scaleRate(wrong, 128)).toThrow('linear-scaling: expected rate to be')
    expect(() => scaleRate(0.1, wrong)).toThrow('linear-scaling: expected batchSize to be')
    expect(() => scaleRate(0.1, 128, wrong)).toThrow('linear-scaling: expected baseBatchSize to be')
  }
})

conformance(() => linearScaling(), {
  invalid: [
    () => linearScaling({ baseBatchSize: 0 }),
    () => linearScaling({ batchSize: -1 }),
    () => linearScaling({ accumulation: 1.5 }),
    () => linearScaling({ workers: NaN }),
    () => linearScaling({ batchSize: '128' as never }),
    () => linearScaling({ batchSize: null as never }),
    () => linearScaling({ batch: 128 } as never),
  ],
})
