import { createRandom, type Random } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import {
  evenly,
  expectCdf,
  expectFrequencies,
  expectIndependent,
  expectUniform,
} from '../src/index.ts'

const drawn = <T>(draw: (random: Random) => T, size = 32_000, seed = 1): T[] =>
  createRandom(seed).images(size, draw)

describe('accepts draws with the right distribution, for any seed', () => {
  const seeds = Array.from({ length: 300 }, (_, seed) => seed)
  test('uniform numbers', () => {
    for (const seed of seeds) {
      const angles = drawn((random) => random.uniform(-15, 15), 500, seed)
      expectUniform({ angles }, -15, 15)
      expectCdf({ angles }, (x) => (x + 15) / 30)
    }
  })

  test.each([1, 2, 5, 40, 4000])('whole numbers below %d', (high) => {
    for (const seed of seeds) {
      const rows = drawn((random) => random.integer(0, high), 500, seed)
      expectFrequencies({ rows }, evenly(0, high))
    }
  })

  test.each([0.001, 0.03, 0.5])('a probability of %d', (probability) => {
    const odds = { true: probability, false: 1 - probability }
    for (const seed of seeds)
      expectFrequencies({ flips: drawn((r) => r.uniform() < probability, 500, seed) }, odds)
  })

  test('pairs', () => {
    for (const seed of seeds) {
      const pairs = drawn((r) => [r.integer(0, 20), r.uniform() < 0.02] as const, 500, seed)
      expectIndependent({ rows: pairs.map(([row]) => row), flips: pairs.map(([, flip]) => flip) })
    }
  })
})

describe('rejects others, with the difference', () => {
  const angles = (low: number, high: number): { angles: number[] } => ({
    angles: drawn((random) => random.uniform(low, high)),
  })
  const coins = (probability: number): { flips: boolean[] } => ({
    flips: drawn((random) => random.uniform() < probability),
  })
  const fair = { true: 0.5, false: 0.5 }
  const alike = drawn((random) => random.uniform(), 16_000).flatMap((value) => [value, value])
  const [rows, columns] = [0, 1].map(() => drawn((random) => random.integer(0, 9)))

  test.each<[string, () => void, string | RegExp]>([
    [
      'a range 5 % too wide',
      () => expectUniform(angles(-15.75, 15.75), -15, 15),
      /^expected angles in \[-15, 15\), got -?15\.\d+$/,
    ],
    [
      'one 1 % too narrow',
      () => expectUniform(angles(-14.9, 14.9), -15, 15),
      'expected 32000 angles to range from -15 to 15, got -14.9 to 14.9',
    ],
    [
      'a range without one end',
      () => expectUniform(angles(0.1, 15), 0, 15),
      /^expected 32000 angles to range from 0 to 15, got 0\.10\d* to 15$/,
    ],
    [
      'another shape',
      () => expectCdf({ roots: drawn((random) => Math.sqrt(random.uniform())) }, (x) => x),
      /^expected \d\d\.?\d* % of 32000 roots to be at most 0\.\d+, got \d\d\.?\d* %$/,
    ],
    [
      'normal numbers 6 % too wide',
      () =>
        expectCdf(
          { alphas: drawn((random) => random.normal(0, 1.06)) },
          (x) => 1 / (1 + Math.exp(-1.5976 * x - 0.07056 * x ** 3)),
        ),
      / % of 32000 alphas to be at most /,
    ],
    ['NaN', () => expectCdf({ alphas: [0.5, NaN] }, (x) => x), 'alphas to be numbers, got NaN'],
    ['no draws', () => expectUniform({ angles: [] }, 0, 1), 'expected angles, got none'],
    [
      'a probability of 0.52 instead of 0.5',
      () => expectFrequencies(coins(0.52), fair),
      /^expected 50 % of 32000 flips to be (true|false), got (51|52|48|47)\.?\d* %$/,
    ],
    [
      'a value that the reference never draws',
      () => expectFrequencies({ rows: [0, 1, 9] }, evenly(0, 9)),
      'expected rows among 0, 1, 2, 3, 4, 5, 6, 7, 8, got 9',
    ],
    [
      'a value that is drawn too rarely',
      () => expectFrequencies({ rows: rows!.filter((row) => row > 0) }, evenly(0, 9)),
      /^expected 11\.11 % of 2\d+ rows to be 0, got 0 %$/,
    ],
    [
      'a value that should be certain',
      () => expectFrequencies({ flips: [true, true, false] }, { true: 1 }),
      'expected flips among true, got false',
    ],
    [
      'rare values that are too frequent',
      () =>
        expectFrequencies(
          { rows: drawn((random) => random.integer(0, 40), 150) },
          {
            ...evenly(0, 40),
            ...Object.fromEntries([...Array(20).keys()].map((i) => [i, 0.01])),
            ...Object.fromEntries([...Array(20).keys()].map((i) => [20 + i, 0.04])),
          },
        ),
      /^expected 20 % of 150 rows to be others, got [45]\d\.?\d* %$/,
    ],
    [
      "probabilities that don't sum to 1",
      () => expectFrequencies(coins(0.5), { true: 0.6, false: 0.6 }),
      'expected the probabilities of flips to sum to 1, got 1.2',
    ],
    [
      'the same draw for two images',
      () => expectCdf({ angles: alike }, (x) => x),
      'expected each of 32000 angles to be independent of the previous one',
    ],
    [
      'alternating values',
      () => expectFrequencies({ flips: alike.map((_, i) => i % 2 === 0) }, fair),
      'expected each of 32000 flips to be independent of the previous one',
    ],
    [
      'the same number for both axes',
      () => expectIndependent({ rows: rows!, columns: columns! }),
      'expected rows to be independent of columns',
    ],
    [
      'a slight correlation',
      () =>
        expectIndependent({
          rows: rows!,
          columns: rows!.map((row, i) =>
            i % 10 === 0 ? row : createRandom(2).image(i).integer(0, 9),
          ),
        }),
      'expected rows to be independent of columns',
    ],
    [
      'lists of different lengths',
      () => expectIndependent({ rows: [1, 2], columns: [1] }),
      'expected equally many rows and columns, got 2 and 1',
    ],
  ])('%s', (_, check, message) => {
    expect(check).toThrow(message)
  })
})
