import { createRandom } from '@tricks/core'
import { autoAugment } from '@tricks/autoaugment'
import { expect, test } from 'vitest'
import { objective, probabilitiesOf } from '../src/controller.ts'
import {
  chooseBy,
  type Controller,
  createController,
  improve,
  policyOfChoices,
  type Rewarded,
} from '../src/index.ts'

const small = createController(createRandom(1), { subPolicies: 1, hidden: 8 })

test('the gradient equals finite differences', () => {
  const batch = Array.from({ length: 3 }, (_, i) => ({
    choices: chooseBy(small, createRandom(2).at(i)),
    reward: [0.3, 0.9, 0.4][i]!,
  }))
  const { shape } = small
  // Weights at which some ratios are clipped, on either side.
  const weights = small.weights.map((each, i) => each + 0.3 * createRandom(3).at(i).normal())
  const before = batch.map(({ choices }) => probabilitiesOf(small.weights, shape, choices))
  const ratios = batch.flatMap(({ choices }, i) =>
    probabilitiesOf(weights, shape, choices).map((each, j) => each / before[i]![j]!),
  )
  expect(ratios.some((ratio) => ratio < 0.8)).toBe(true)
  expect(ratios.some((ratio) => ratio > 1.2)).toBe(true)
  expect(ratios.some((ratio) => ratio > 0.8 && ratio < 1.2)).toBe(true)
  const options = { clip: 0.2, entropy: 0.5 }
  const at = (values: Float64Array): number =>
    objective(values, shape, batch, before, options).value
  const { gradient } = objective(weights, shape, batch, before, options)
  const step = 1e-5
  for (const i of weights.keys()) {
    const moved = (by: number): number => at(weights.with(i, weights[i]! + by))
    const slope = (moved(step) - moved(-step)) / (2 * step)
    expect(Math.abs(gradient[i]! - slope), `weight ${i}`).toBeLessThan(
      1e-7 + 1e-5 * Math.abs(slope),
    )
  }
})

/** Trains for some updates. @returns the mean reward at the start and at the end */
function learn(reward: (choices: readonly number[]) => number): {
  first: number
  last: number
  controller: Controller
} {
  let controller = small
  const means: number[] = []
  for (let update = 0; update < 150; update++) {
    const batch: Rewarded[] = Array.from({ length: 16 }, (_, i) => {
      const choices = chooseBy(controller, createRandom(4).at(16 * update + i))
      return { choices, reward: reward(choices) }
    })
    means.push(batch.reduce((sum, each) => sum + each.reward, 0) / batch.length)
    controller = improve(controller, batch)
  }
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, each) => sum + each, 0) / values.length
  return { first: mean(means.slice(0, 5)), last: mean(means.slice(-5)), controller }
}

test('finds the optimum of a bandit', () => {
  const best = [4, 9, 2, 11, 0, 7]
  const { first, last, controller } = learn(
    (choices) => choices.filter((choice, i) => choice === best[i]).length / best.length,
  )
  expect(first).toBeLessThan(0.2)
  expect(last).toBeGreaterThan(0.9)
  const drawn = Array.from({ length: 50 }, (_, i) => chooseBy(controller, createRandom(5).at(i)))
  expect(drawn.filter((choices) => choices.join() === best.join()).length).toBeGreaterThan(25)
})

test('learns that a choice depends on the one before', () => {
  // The reward is for a second operation that follows the first one in the list, whichever that is.
  const { first, last } = learn((choices) => Number(choices[3] === (choices[0]! + 1) % 16))
  expect(first).toBeLessThan(0.2)
  expect(last).toBeGreaterThan(0.9)
})

test('equal rewards change nothing', () => {
  const batch = [0, 1].map((i) => ({ choices: chooseBy(small, createRandom(6).at(i)), reward: 1 }))
  expect(improve(small, batch, { entropy: 0 }).weights).toEqual(small.weights)
})

test('choices are policies that autoAugment takes', () => {
  const controller = createController(createRandom(1))
  const choices = chooseBy(controller, createRandom(2))
  expect(choices).toHaveLength(30)
  expect(chooseBy(controller, createRandom(2))).toEqual(choices)
  const policy = policyOfChoices(choices)
  expect(policy.map(({ length }) => length)).toEqual([2, 2, 2, 2, 2])
  expect(() => autoAugment({ policy })).not.toThrow()
  expect(policyOfChoices([4, 5, 9, 6, 10, 3])).toEqual([
    [
      ['Rotate', 0.5, 9],
      ['Invert', 1, null],
    ],
  ])
})
