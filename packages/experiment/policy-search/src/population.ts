import type { Random } from '@tricks/core'
import type { Operation } from '@tricks/operations'

/** The operations of a population's policies. */
export const populationOperations = [
  'AutoContrast',
  'Brightness',
  'Color',
  'Contrast',
  'Cutout',
  'Equalize',
  'Invert',
  'Posterize',
  'Rotate',
  'Sharpness',
  'ShearX',
  'ShearY',
  'Solarize',
  'TranslateX',
  'TranslateY',
] as const satisfies readonly Operation[]

/** An operation, its probability in tenths from 0 to 10, and its strength from 0 to 9. */
export type PopulationStep = readonly [op: Operation, tenths: number, strength: number]
/** Each operation twice: 60 integers. */
export type PopulationPolicy = readonly PopulationStep[]

const [mostTenths, mostStrength] = [10, 9]
/** The operations of a policy's steps. */
const steps = [...populationOperations, ...populationOperations]

/**
 * Draws a policy: every integer uniformly.
 *
 * @example
 * const policy = drawPopulationPolicy(createRandom(1)) // 30 steps such as ['Rotate', 3, 7]
 */
export function drawPopulationPolicy(random: Random): PopulationPolicy {
  return steps.map((op) => [
    op,
    random.integer(0, mostTenths + 1),
    random.integer(0, mostStrength + 1),
  ])
}

/**
 * Changes a policy: each integer is redrawn with a probability of 0.2, and otherwise moved by 0, 1, 2 or 3 in a random
 * direction, within its range.
 *
 * @example
 * const policy = explorePolicy(drawPopulationPolicy(createRandom(1)), createRandom(2))
 * @see Ho et al. 2019, https://arxiv.org/abs/1905.05393, algorithm 2
 */
export function explorePolicy(policy: PopulationPolicy, random: Random): PopulationPolicy {
  const explore = (value: number, most: number): number => {
    const redraws = random.uniform() < 0.2
    const [drawn, amount, down] = [
      random.integer(0, most + 1),
      random.integer(0, 4),
      random.uniform() < 0.5,
    ]
    return redraws ? drawn : Math.min(most, Math.max(0, value + (down ? -amount : amount)))
  }
  return policy.map(([op, tenths, strength]) => [
    op,
    explore(tenths, mostTenths),
    explore(strength, mostStrength),
  ])
}

/**
 * The policies of the first generation: one that changes nothing, and mutations of it, so augmentation grows only as far as
 * it helps. In the authors' code all members start with the former; here they would also train alike, with the same
 * network and order of images.
 *
 * @example
 * const policies = firstPolicies(16, createRandom(1))
 * @see https://github.com/arcelien/pba, setup.py
 */
export function firstPolicies(members: number, random: Random): PopulationPolicy[] {
  const nothing: PopulationPolicy = steps.map((op) => [op, 0, 0])
  return Array.from({ length: members }, (_, i) =>
    i === 0 ? nothing : explorePolicy(nothing, random.at(i)),
  )
}

/** A member of a population after a generation. */
export interface Member {
  readonly policy: PopulationPolicy
  /** Higher is better. */
  readonly score: number
}

/** What a member trains next: a policy, from the weights of a member of the generation before. */
export interface Heir {
  readonly policy: PopulationPolicy
  /** The index of the member whose weights it continues with. */
  readonly from: number
}

/**
 * The next generation: the worst quarter continue from members of the best quarter, with a mutated policy; the others continue
 * unchanged.
 *
 * @param random of this generation: the same members and stream give the same result
 * @example
 * const members = [0.5, 0.7, 0.6, 0.4].map((score, i) => ({
 *   policy: drawPopulationPolicy(createRandom(i)),
 *   score,
 * }))
 * nextGeneration(members, createRandom(9)) // the last one copies the second one
 * @see Ho et al. 2019, https://arxiv.org/abs/1905.05393
 */
export function nextGeneration(members: readonly Member[], random: Random): Heir[] {
  const order = [...members.keys()].toSorted((a, b) => members[b]!.score - members[a]!.score)
  const quarter = Math.floor(members.length / 4)
  const [best, worst] = [order.slice(0, quarter), new Set(order.slice(members.length - quarter))]
  return members.map(({ policy }, index) => {
    if (!worst.has(index)) return { policy, from: index }
    const own = random.at(index)
    const from = best[own.integer(0, best.length)]!
    return { policy: explorePolicy(members[from]!.policy, own), from }
  })
}
