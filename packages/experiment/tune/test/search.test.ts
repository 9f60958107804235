import { createRandom } from '@tricks/core'
import { boolean, checked, choice, duration, integer, interval, number } from '@tricks/core/options'
import { describe, expect, test } from 'vitest'
import { type Given, historyOf, nextTraining, searchRange, type Space } from '../src/index.ts'
import { checkSpace } from '../src/space.ts'

describe('the range of a declared option', () => {
  test.each([
    [
      'a logarithmic scale',
      number({ min: 0, scale: 'log', default: 5e-4 }),
      { min: 5e-5, max: 5e-3, scale: 'log' },
    ],
    [
      'its lower bound',
      number({ above: 1, scale: 'log', default: 8 }),
      { min: 1.08, max: 80, scale: 'log' },
    ],
    ['a linear scale', number({ min: 0, max: 1e6, default: 0.4 }), { min: 0, max: 1.2 }],
    ['its upper bound', number({ min: 0, max: 1, default: 0.5 }), { min: 0, max: 1 }],
    [
      'a bound that is excluded',
      number({ above: 0, max: 180, default: 15 }),
      { min: 1.5, max: 45 },
    ],
    ['the nearer upper bound', number({ min: 0, below: 1, default: 0.9 }), { min: 0.7, max: 0.99 }],
    ['integers', integer({ min: 1, default: 16 }), { min: 4, max: 32, step: 1 }],
    ['a few integers', integer({ min: 1, max: 3, default: 1 }), { min: 1, max: 3, step: 1 }],
    ['a switch', boolean({ default: true }), { choices: [false, true] }],
    [
      'words',
      choice(['nearest', 'bilinear'], { default: 'nearest' }),
      { choices: ['nearest', 'bilinear'] },
    ],
    [
      'words and values',
      choice(['a', 'b', number({ min: 0 })], { default: 'b' }),
      { choices: ['a', 'b'] },
    ],
    ['a share of the run', duration({ default: { fraction: 0.1 } }), { min: 0.01, max: 0.3 }],
    ['no start', number({ min: 0 }), undefined],
    ['0 on a logarithmic scale', number({ min: 0, scale: 'log', default: 0 }), undefined],
    ['its own lower bound', number({ min: 0, default: 0 }), undefined],
    ['steps', duration({ default: { steps: 9 } }), undefined],
    ['the whole run', duration({ default: { fraction: 1 } }), undefined],
    ['a value among words', choice(['mean', number({ min: 0 })], { default: 0.5 }), undefined],
    ['pairs', interval({ min: 0, max: 1, default: [0, 1] }), undefined],
    ['anything else', checked('a list', () => true, { default: [] }), undefined],
  ])('%s', (_, kind, expected) => {
    const range = searchRange(kind)
    expect(range).toEqual(expected)
    if (range) checkSpace({ range })
  })

  test('around the value in use', () => {
    expect(searchRange(number({ min: 0, scale: 'log', default: 1 }), 0.3)).toMatchObject({
      min: 0.03,
      max: 3,
    })
  })
})

const space = { x: { min: 0, max: 1 } } satisfies Space
const options = {
  space,
  rungs: 3,
  factor: 3,
  random: createRandom(1),
  first: [{ x: 0.5 }],
  startup: 4,
}

/** Better near 0.3, and more clearly so after more epochs. */
const scoreOf = (x: number, rung: number): number => 0.5 + 0.1 * rung - Math.abs(x - 0.3) / 2

function searched(count: number): Given[] {
  const given: Given[] = []
  while (given.length < count) {
    const training = nextTraining(given, options)
    given.push({
      ...training,
      score: scoreOf(training.configuration['x'] as number, training.rung),
    })
  }
  return given
}

describe('the next training', () => {
  test('starts with the given candidates', () => {
    expect(nextTraining([], options)).toEqual({ candidate: 0, rung: 0, configuration: { x: 0.5 } })
  })

  test('continues good candidates with their own configuration, and converges', () => {
    const given = searched(80)
    for (const { candidate, configuration } of given)
      expect(configuration).toEqual(
        given.find((each) => each.candidate === candidate)!.configuration,
      )
    const longest = given
      .filter(({ rung }) => rung === 2)
      .map(({ configuration }) => configuration['x'] as number)
    expect(longest.length).toBeGreaterThan(3)
    for (const x of longest) expect(Math.abs(x - 0.3)).toBeLessThan(0.15)
  })

  test('is the same for the same results', () => {
    expect(searched(30)).toEqual(searched(30))
  })
})

test('candidates are ranked by their highest rung', () => {
  const given = [
    { candidate: 0, rung: 0, configuration: { x: 0 }, score: 0.9 },
    { candidate: 1, rung: 0, configuration: { x: 1 }, score: 0.5 },
    { candidate: 2, rung: 0, configuration: { x: 2 }, score: null },
    { candidate: 1, rung: 1, configuration: { x: 1 }, score: 0.4 },
    { candidate: 3, rung: 0, configuration: { x: 3 } },
    { candidate: 0, rung: 1, configuration: { x: 0 } },
  ]
  expect(historyOf(given)).toEqual([
    { configuration: { x: 0 }, score: 0.9 },
    { configuration: { x: 1 }, score: 1.4 },
    { configuration: { x: 2 }, score: -1 },
    { configuration: { x: 3 } },
  ])
})
