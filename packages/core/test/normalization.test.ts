import { describe, expect, test } from 'vitest'
import { compose } from '../src/index.ts'
import { assertNormalization } from '../src/run.ts'

describe.each([
  ['x', (given: object) => assertNormalization('x', given)],
  ['compose', (given: object) => void compose([], given)],
])('%s', (where, check) => {
  test('accepts the statistics of images in [0, 1]', () => {
    check({})
    check({ mean: [0], deviation: [1] })
    check({ mean: [1, 0.5], deviation: [0.25, 1e-3] })
    check({ mean: Float32Array.of(0.5) })
  })

  test.each<[object, string]>([
    [
      { mean: [125.3, 123, 113.9] },
      'mean to be a list of numbers in [0, 1], one per channel, got [125.3,123,113.9]. Divide mean and deviation by 255',
    ],
    [
      { mean: [0.5, 1.01] },
      'mean to be a list of numbers in [0, 1], one per channel, got [0.5,1.01]',
    ],
    [{ mean: [-0.1] }, 'got [-0.1]'],
    [{ mean: [NaN] }, 'one per channel, got ["NaN"]'],
    [{ mean: Float32Array.of(0.5, 2) }, 'got [0.5,2]'],
    [{ mean: ['0.5'] }, 'got ["0.5"]'],
    [{ mean: [] }, 'got []'],
    [{ mean: 0.5 }, 'one per channel, got 0.5'],
    [
      { mean: [0.5], deviation: [63, 62.1, 66.7] },
      'deviation to be a list of numbers in (0, 1], one per channel, got [63,62.1,66.7]. Divide',
    ],
    [{ deviation: [0.2, 0, 0.2] }, 'got [0.2,0,0.2]. Pass 1 for a constant channel'],
    [
      { deviation: [-0.2] },
      'deviation to be a list of numbers in (0, 1], one per channel, got [-0.2]',
    ],
    [{ deviation: [Infinity] }, 'deviation to be a list of numbers in (0, 1]'],
    [{ deviation: null }, 'got null'],
  ])('rejects %j', (given, message) => {
    expect(() => check(given)).toThrow(RangeError)
    expect(() => check(given)).toThrow(`${where}: expected `)
    expect(() => check(given)).toThrow(message)
  })

  test('suggests 1 for a constant channel, for deviations only', () => {
    expect(() => check({ mean: [0, NaN] })).toThrow(/got \[0,"NaN"\]$/)
    expect(() => check({ deviation: [63, 0, 66.7] })).toThrow('Divide mean and deviation by 255')
  })
})
