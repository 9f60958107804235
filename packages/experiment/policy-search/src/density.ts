import type { Random } from '@tricks/core'
import type { Policy, PolicyStep } from '@tricks/autoaugment'
import type { Operation } from '@tricks/operations'
import type { Configuration, Space } from '@tricks/tune'
import { populationOperations } from './population.ts'

/** The operations of density matching. */
export const densityOperations: readonly Operation[] = populationOperations

/** Operations without a strength. */
export const withoutStrength: readonly Operation[] = ['AutoContrast', 'Equalize', 'Invert']
const perSubPolicy = 2

/**
 * The space of a candidate: sub-policies of two operations, each with a probability and a strength in [0, 1].
 *
 * @param count number of sub-policies; default 5
 * @example
 * const space = densitySpace() // 30 parameters
 */
export function densitySpace(count = 5): Space {
  const steps = Array.from({ length: count * perSubPolicy }, (_, i) => i)
  return Object.fromEntries(
    steps.flatMap((i) => [
      [`op${i}`, { choices: densityOperations }],
      [`probability${i}`, { min: 0, max: 1 }],
      [`strength${i}`, { min: 0, max: 1 }],
    ]),
  )
}

/**
 * A candidate as a policy that `autoAugment({ policy })` takes: strengths are rounded to ten levels, from 0 to 9.
 *
 * @example
 * const configuration = { op0: 'Rotate', probability0: 0.5, strength0: 1, op1: 'Invert', probability1: 0.1, strength1: 0 }
 * policyOf(configuration) // [[['Rotate', 0.5, 9], ['Invert', 0.1, null]]]
 */
export function policyOf(configuration: Configuration): Policy {
  const count = Object.keys(configuration).length / 3 / perSubPolicy
  const step = (i: number): PolicyStep => {
    const op = configuration[`op${i}`] as Operation
    const strength = Math.round((configuration[`strength${i}`] as number) * 9)
    const probability = Number((configuration[`probability${i}`] as number).toFixed(3))
    return [op, probability, withoutStrength.includes(op) ? null : strength]
  }
  return Array.from({ length: count }, (_, i) => [step(2 * i), step(2 * i + 1)])
}

/** How a candidate is scored: by all augmented copies, or by the best copy of each image, as in the authors' code. */
export type Reward = 'mean' | 'best-of-five'

/**
 * The reward of a candidate: the share of augmented copies that a network classifies correctly. With 'best-of-five', the
 * share of images of which at least one copy is classified correctly (there is a copy per sub-policy, usually five); this
 * favours any diverse policy.
 *
 * @param correct for each sub-policy, whether each image is classified correctly after it
 * @example
 * const correct = [[true, false], [true, true], [false, false]]
 * densityReward(correct, 'mean') // 0.5
 * densityReward(correct, 'best-of-five') // 1
 */
export function densityReward(correct: readonly (readonly boolean[])[], reward: Reward): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  if (reward === 'mean') return mean(correct.map((copies) => mean(copies.map(Number))))
  return mean(correct[0]!.map((_, image) => Number(correct.some((copies) => copies[image]))))
}

/**
 * Merges the best policies of all folds: their sub-policies, without duplicates and without those that use an operation twice.
 *
 * @example
 * mergePolicies([[[['Rotate', 0.5, 3], ['Rotate', 1, 9]], [['Invert', 0.2, null], ['Rotate', 0.5, 3]]]]) // the second one
 */
export function mergePolicies(policies: readonly Policy[]): Policy {
  const all = policies
    .flat()
    .filter((steps) => new Set(steps.map(([op]) => op)).size === steps.length)
  return [...new Map(all.map((steps) => [JSON.stringify(steps), steps])).values()]
}

/**
 * A policy of random sub-policies: the baseline that a found policy has to beat.
 *
 * @param count number of sub-policies; default 25
 * @example
 * const policy = randomPolicy(createRandom(1))
 */
export function randomPolicy(random: Random, count = 25): Policy {
  return Array.from({ length: count }, (_, i) => {
    const own = random.at(i)
    return Array.from({ length: perSubPolicy }, (): PolicyStep => {
      const op = densityOperations[own.integer(0, densityOperations.length)]!
      const probability = Number(own.uniform().toFixed(3))
      const strength = own.integer(0, 10)
      return [op, probability, withoutStrength.includes(op) ? null : strength]
    })
  })
}
