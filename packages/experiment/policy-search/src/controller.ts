import type { Random } from '@tricks/core'
import type { Policy, PolicyStep } from '@tricks/autoaugment'
import { type Operation, operations } from '@tricks/operations'
import { withoutStrength } from './density.ts'
import { backward, drawWeights, forward, type Shape } from './lstm.ts'

/** A recurrent network that makes decisions one after the other, and the moments of its optimizer. */
export interface Controller {
  readonly shape: Shape
  readonly weights: Float64Array
  /** Adam's moving averages of the gradient and of its square. */
  readonly moments: readonly [Float64Array, Float64Array]
  readonly updates: number
}

/** The choices of a controller, and their reward. */
export interface Rewarded {
  readonly choices: readonly number[]
  /** Higher is better. */
  readonly reward: number
}

/** Tenths of a probability, and strengths: AutoAugment's 11 and 10. */
const [tenths, strengths] = [11, 10]
/** Operations of a sub-policy. */
const perSubPolicy = 2

/**
 * Creates AutoAugment's controller: for each operation of each sub-policy it chooses the operation, its probability and its
 * strength.
 *
 * @param options.subPolicies number per policy; default 5, as in the paper
 * @param options.hidden units of the LSTM; default 32, instead of the paper's 100
 * @example
 * const controller = createController(createRandom(1))
 * const policy = policyOfChoices(chooseBy(controller, createRandom(2)))
 * @see Cubuk et al. 2019, https://arxiv.org/abs/1805.09501
 */
export function createController(
  random: Random,
  {
    subPolicies = 5,
    hidden = 32,
  }: { readonly subPolicies?: number; readonly hidden?: number } = {},
): Controller {
  const sizes = [operations.length, tenths, strengths]
  const shape = { sizes, cycles: perSubPolicy * subPolicies, hidden }
  const weights = drawWeights(shape, random)
  const nothing = weights.map(() => 0)
  return { shape, weights, moments: [nothing, nothing], updates: 0 }
}

/**
 * Draws the choices of a policy.
 *
 * @example
 * const choices = chooseBy(createController(createRandom(1)), createRandom(2)) // 30 numbers
 */
export function chooseBy({ shape, weights }: Controller, random: Random): number[] {
  const choices: number[] = []
  forward(weights, shape, (_, probabilities) => {
    const drawn = random.uniform()
    let sum = 0
    const found = probabilities.findIndex((each) => drawn < (sum += each))
    choices.push(found < 0 ? probabilities.length - 1 : found)
    return choices.at(-1)!
  })
  return choices
}

/**
 * The choices as a policy that `autoAugment({ policy })` takes.
 *
 * @example
 * policyOfChoices([4, 5, 9, 6, 10, 3]) // [[['Rotate', 0.5, 9], ['Invert', 1, null]]]
 */
export function policyOfChoices(choices: readonly number[]): Policy {
  const steps = Array.from({ length: choices.length / 3 }, (_, i): PolicyStep => {
    const [operation, probability, strength] = choices.slice(3 * i, 3 * i + 3)
    const op: Operation = operations[operation!]!
    return [op, probability! / (tenths - 1), withoutStrength.includes(op) ? null : strength!]
  })
  return Array.from({ length: steps.length / perSubPolicy }, (_, i) =>
    steps.slice(perSubPolicy * i, perSubPolicy * (i + 1)),
  )
}

export interface PpoOptions {
  /** Adam's learning rate; default 0.005, as a small search has a few hundred policies, and the paper's had 15,000. */
  readonly learningRate?: number
  /** Clips the ratio of new to old probability to [1 − clip, 1 + clip]; default 0.2. */
  readonly clip?: number
  /** Weight of the entropy, which maintains exploration; default 0.003. */
  readonly entropy?: number
  /** Passes over the same policies; default 4. */
  readonly passes?: number
}

/**
 * Improves a controller by proximal policy optimization: choices that were rewarded more than the mean of their batch become
 * more probable. It maximises
 *
 *     mean over policies of Σ over decisions of min(r·A, clip(r, 1 − clip, 1 + clip)·A) + entropy·H
 *
 * with r the decision's probability relative to that before the update, A the reward minus the batch's mean, over its
 * deviation, and H the decision's entropy.
 *
 * @returns a new controller; the given one is unchanged
 * @example
 * const controller = createController(createRandom(1))
 * const batch = [0, 1, 2, 3].map((i) => ({ choices: chooseBy(controller, createRandom(2).at(i)), reward: 0.5 + i / 100 }))
 * const better = improve(controller, batch)
 * @see Schulman et al. 2017, https://arxiv.org/abs/1707.06347
 */
export function improve(
  controller: Controller,
  batch: readonly Rewarded[],
  { learningRate = 0.005, clip = 0.2, entropy = 0.003, passes = 4 }: PpoOptions = {},
): Controller {
  const { shape } = controller
  const weights = controller.weights.slice()
  const [first, second] = controller.moments.map((each) => each.slice()) as [
    Float64Array,
    Float64Array,
  ]
  const before = batch.map(({ choices }) => probabilitiesOf(weights, shape, choices))
  let { updates } = controller
  for (let pass = 0; pass < passes; pass++) {
    const { gradient } = objective(weights, shape, batch, before, { clip, entropy })
    updates++
    for (const [i, slope] of gradient.entries()) {
      first[i] = 0.9 * first[i]! + 0.1 * slope
      second[i] = 0.999 * second[i]! + 0.001 * slope * slope
      const size = Math.sqrt(second[i] / (1 - 0.999 ** updates))
      weights[i]! += (learningRate * first[i]) / (1 - 0.9 ** updates) / (size + 1e-8)
    }
  }
  return { shape, weights, moments: [first, second], updates }
}

/** The probabilities of the chosen alternatives. */
export const probabilitiesOf = (
  weights: Float64Array,
  shape: Shape,
  choices: readonly number[],
): number[] =>
  forward(weights, shape, (decision) => choices[decision]!).map(
    ({ probabilities }, decision) => probabilities[choices[decision]!]!,
  )

/** What `improve` maximises, and its gradient. */
export function objective(
  weights: Float64Array,
  shape: Shape,
  batch: readonly Rewarded[],
  before: readonly (readonly number[])[],
  { clip, entropy }: Required<Pick<PpoOptions, 'clip' | 'entropy'>>,
): { readonly value: number; readonly gradient: Float64Array } {
  const gradient = weights.map(() => 0)
  const advantages = standardized(batch.map(({ reward }) => reward))
  let value = 0
  for (const [n, { choices }] of batch.entries()) {
    const moments = forward(weights, shape, (decision) => choices[decision]!)
    const slopes = moments.map(({ probabilities }, decision) => {
      const [choice, advantage] = [choices[decision]!, advantages[n]!]
      const ratio = probabilities[choice]! / before[n]![decision]!
      const clipped = Math.min(1 + clip, Math.max(1 - clip, ratio)) * advantage
      const spread = -probabilities.reduce((sum, each) => sum + each * log(each), 0)
      value += (Math.min(ratio * advantage, clipped) + entropy * spread) / batch.length
      const slope = ratio * advantage <= clipped ? ratio * advantage : 0
      return probabilities.map(
        (each, j) =>
          (slope * (Number(j === choice) - each) - entropy * each * (log(each) + spread)) /
          batch.length,
      )
    })
    backward(weights, shape, moments, slopes, gradient)
  }
  return { value, gradient }
}

/** Minus the mean, over the deviation; all 0 if equal. */
function standardized(values: readonly number[]): number[] {
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length
  const variance = values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / values.length
  return values.map((each) => (variance > 0 ? (each - mean) / Math.sqrt(variance) : 0))
}

/** Finite for a probability that has become 0. */
const log = (probability: number): number => Math.log(Math.max(probability, Number.MIN_VALUE))
