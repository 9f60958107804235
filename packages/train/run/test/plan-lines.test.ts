import { compose, oneOf, sometimes, type Trick } from '@tricks/core'
import { composeRun } from '@tricks/core/run'
import { expect, test } from 'vitest'
import { describePlan, planLines } from '../src/record.ts'

const images = { draw: () => undefined, apply: <T>(batch: T) => batch }
const blur = (options: Trick['options'], key?: string): Trick => ({
  name: 'blur',
  key,
  options,
  images,
})
const swap: Trick = { name: 'swap', options: { mode: 'pairs' }, mix: images }
const slow: Trick = { name: 'slow', options: {}, learningRate: (rate) => rate / 2 }

test("formats a plan as lines of stage, trick, options, and a combinator's tricks", () => {
  const plan = compose([slow, swap, sometimes(0.5, blur({ size: 3, at: [1, 2] }))]).plan()
  expect(planLines(plan)).toEqual([
    'images      sometimes { probability: 0.5 } (blur { size: 3, at: [1, 2] })',
    "mix         swap { mode: 'pairs' }",
    'rate        slow',
  ])
})

test('shows fractions to six digits', () => {
  const [line] = describePlan(compose([blur({ ratio: [0.75, 4 / 3], rate: 1e-7 / 3 })]).plan())
  expect(line!.options).toBe('{ ratio: [0.75, 1.33333], rate: 3.33333e-8 }')
})

test('shows an explicit key but not a default one', () => {
  const plan = compose([
    blur({}),
    blur({ size: 2 }, 'second'),
    sometimes(0.5, oneOf([[blur({}), 1]]), { key: 'rarely' }),
  ]).plan()
  expect(describePlan(plan).map(({ options }) => options)).toEqual([
    '',
    "{ size: 2, key: 'second' }",
    "{ probability: 0.5, key: 'rarely' } (oneOf { weights: [1] } (blur))",
  ])
})

test('a trick is listed once, at its main stage', () => {
  const hooks = (name: string, ...stages: string[]): Trick => ({
    name,
    options: {},
    ...Object.fromEntries(stages.map((each) => [each, () => null])),
  })
  const plan = composeRun([
    hooks('plateau', 'start', 'learningRate', 'afterEpoch'),
    hooks('teacher', 'prepare', 'loss'),
    hooks('stop', 'start', 'afterEpoch', 'finish'),
    hooks('initial', 'start'),
    { ...blur({}), start: () => null },
  ]).plan()
  expect(planLines(plan)).toEqual([
    'start       initial',
    'images      blur',
    'loss        teacher',
    'rate        plateau',
    'after epoch stop',
  ])
  const scaled = composeRun([hooks('layer-decay', 'multipliers'), blur({})]).plan()
  expect(planLines(scaled)).toEqual(['images            blur', 'rate per variable layer-decay'])
})

test('returns no lines without tricks', () => expect(planLines(composeRun([]).plan())).toEqual([]))
