import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { divide } from '../src/estimate.ts'
import {
  type Configuration,
  type Space,
  type Tried,
  drawConfiguration,
  proposeConfiguration,
} from '../src/index.ts'
import { componentWeights, numericComponents, parzen } from '../src/parzen.ts'
import { type NumberRange, type Parameter, type Value, isChoice } from '../src/space.ts'
import fixtures from './fixtures/parzen.json' with { type: 'json' }

interface Case {
  readonly name: string
  readonly parameter: Parameter
  readonly observed: readonly Value[]
  readonly weights: readonly number[]
  readonly at: readonly Value[]
  readonly logDensity: readonly number[]
  readonly means?: readonly number[]
  readonly deviations?: readonly number[]
}

function expectClose(got: readonly number[], expected: readonly number[]): void {
  expect(got).toHaveLength(expected.length)
  for (const [i, value] of expected.entries()) {
    const tolerance = 1e-9 * Math.max(1, Math.abs(value))
    expect(Math.abs(got[i]! - value), `${got[i]} and ${value}`).toBeLessThanOrEqual(tolerance)
  }
}

describe("equals Optuna's estimator", () => {
  test.each(fixtures.estimators as unknown as Case[])('$name', (each) => {
    expectClose(componentWeights(each.observed.length), each.weights)
    if (!isChoice(each.parameter)) {
      const { means, deviations } = numericComponents(
        each.parameter,
        each.observed as readonly number[],
      )
      // Which width belongs to which of two equal observations is arbitrary.
      const pairs = (a: readonly number[], b: readonly number[]): number[] =>
        a
          .map((mean, i) => [mean, b[i]!] as const)
          .toSorted((p, q) => p[0] - q[0] || p[1] - q[1])
          .flat()
      expectClose(pairs(means, deviations), pairs(each.means!, each.deviations!))
    }
    const estimator = parzen(each.parameter, each.observed)
    expectClose(
      each.at.map((value) => estimator.logDensity(value)),
      each.logDensity,
    )
  })

  test.each(fixtures.splits)('the best tenth of $scores.length', ({ scores, good }) => {
    const history = scores.map((score, i) => ({ configuration: { i }, score }))
    expect(divide(history).good.map(({ configuration }) => configuration['i'])).toEqual(good)
  })
})

describe('draws from an estimator', () => {
  const observed = { number: [0.2, 0.25, 0.9], step: [1, 1, 4], choice: ['a', 'a', 'b'] }
  test('have its distribution: numbers', () => {
    const range = { min: 0, max: 1 } satisfies NumberRange
    const estimator = parzen(range, observed.number)
    const random = createRandom(1)
    const draws = Array.from({ length: 20_000 }, (_, i) => estimator.draw(random.at(i)) as number)
    const bins = 20
    const expected = Array.from({ length: bins }, (_, bin) => {
      // Simpson's rule over a bin.
      const [a, b, c] = [0, 0.5, 1].map((at) => Math.exp(estimator.logDensity((bin + at) / bins)))
      return ((a! + 4 * b! + c!) / 6 / bins) * draws.length
    })
    const counts = expected.map(
      (_, bin) => draws.filter((draw) => Math.floor(draw * bins) === bin).length,
    )
    const chiSquare = counts.reduce(
      (sum, count, i) => sum + (count - expected[i]!) ** 2 / expected[i]!,
      0,
    )
    // The 0.999 quantile with 19 degrees of freedom.
    expect(chiSquare).toBeLessThan(43.8)
  })

  test.each([
    ['integers', { min: 0, max: 5, step: 1 }, observed.step, [0, 1, 2, 3, 4, 5]],
    ['choices', { choices: ['a', 'b', 'c'] }, observed.choice, ['a', 'b', 'c']],
  ] as [string, Parameter, Value[], Value[]][])(
    'have its distribution: %s',
    (_, parameter, values, all) => {
      const estimator = parzen(parameter, values)
      const random = createRandom(2)
      const draws = Array.from({ length: 20_000 }, (__, i) => estimator.draw(random.at(i)))
      const probabilities = all.map((value) => Math.exp(estimator.logDensity(value)))
      expect(probabilities.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 9)
      for (const [i, value] of all.entries()) {
        const share = draws.filter((draw) => draw === value).length / draws.length
        const deviation = Math.sqrt((probabilities[i]! * (1 - probabilities[i]!)) / draws.length)
        expect(Math.abs(share - probabilities[i]!)).toBeLessThan(4 * deviation)
      }
    },
  )
})

const space = {
  optimizer: { choices: ['momentum', 'adam'] },
  rate: { min: 1e-4, max: 1, scale: 'log' },
  momentum: { min: 0, max: 0.99, when: { parameter: 'optimizer', is: ['momentum'] } },
  epochs: { min: 1, max: 30, step: 1 },
} satisfies Space

/** Best with momentum, a rate of 0.1, a momentum of 0.9 and 20 epochs. */
function scoreOf(configuration: Configuration): number {
  const { optimizer, rate, momentum = 0, epochs } = configuration as Record<string, number>
  const penalty = (optimizer as unknown) === 'momentum' ? (momentum - 0.9) ** 2 : 1
  return -((Math.log10(rate!) + 1) ** 2) - penalty - ((epochs! - 20) / 10) ** 2
}

function search(seed: number, propose: typeof proposeConfiguration): Tried[] {
  const history: Tried[] = []
  for (let i = 0; i < 80; i++) {
    const configuration = propose(space, history, createRandom(seed).at(i))
    history.push({ configuration, score: scoreOf(configuration) })
  }
  return history
}
const bestOf = (history: readonly Tried[]): number =>
  Math.max(...history.map((each) => each.score!))

describe('proposals', () => {
  test('find better configurations than random ones', () => {
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8]
    const wins = seeds.filter(
      (seed) =>
        bestOf(search(seed, proposeConfiguration)) >
        bestOf(search(seed, (all, _, random) => drawConfiguration(all, random))),
    )
    expect(wins.length).toBeGreaterThanOrEqual(7)
  })

  test('are the same for the same seed and history', () => {
    expect(search(3, proposeConfiguration)).toEqual(search(3, proposeConfiguration))
    expect(search(3, proposeConfiguration)).not.toEqual(search(4, proposeConfiguration))
  })

  test('set a parameter only where its condition holds, within its range', () => {
    for (const { configuration } of search(5, proposeConfiguration)) {
      const { optimizer, rate, momentum, epochs } = configuration
      expect(momentum !== undefined).toBe(optimizer === 'momentum')
      expect(rate).toBeGreaterThanOrEqual(1e-4)
      expect(rate).toBeLessThanOrEqual(1)
      expect(Number.isInteger(epochs)).toBe(true)
    }
  })

  test('keep away from running configurations', () => {
    const one = { x: { min: 0, max: 1 } } satisfies Space
    const scored = Array.from({ length: 20 }, (_, i) => ({
      configuration: { x: i / 20 },
      score: -Math.abs(i / 20 - 0.3),
    }))
    const proposals = (running: readonly Tried[]): number[] =>
      Array.from({ length: 50 }, (_, i) => {
        const random = createRandom(i)
        return proposeConfiguration(one, [...scored, ...running], random)['x'] as number
      })
    const near = (xs: number[]): number => xs.filter((x) => Math.abs(x - 0.3) < 0.05).length
    const running = Array.from({ length: 8 }, () => ({ configuration: { x: 0.3 } }))
    expect(near(proposals(running))).toBeLessThan(near(proposals([])))
  })

  test('reject a score that is NaN', () => {
    const history = [{ configuration: { rate: 0.1 }, score: Number.NaN }]
    expect(() => proposeConfiguration(space, history, createRandom(1))).toThrow(
      'tune: expected each score to be a number, got NaN',
    )
  })
})
