import type { Policy } from '@tricks/autoaugment'
import type { Random } from '@tricks/core'
import { type PolicySchedule, randomPolicy } from '@tricks/policy-search'
import { type Bag, type Call, isKept } from '../tune/bag.ts'
import { catalogue } from '../tune/catalogue.ts'

/** A way to augment images, as a call; undefined for none. */
export interface Arm {
  readonly name: string
  /** The call for a pair, whose seed gives the random numbers. */
  augment(random: Random): Call | undefined
}

/** The call of a schedule. */
export const scheduleCall = (schedule: PolicySchedule): Call => ({
  name: 'scheduled-augment',
  options: { schedule: schedule as never },
})

/** The call of a policy. */
export const policyCall = (policy: Policy): Call => ({
  name: 'autoaugment',
  options: { policy },
})

/** Whether a trick is an automatic augmentation. */
export const isPolicy = (name: string): boolean =>
  catalogue.some((entry) => entry.name === name && entry.group === 'policy')

/** A recipe with another automatic augmentation, which comes before its other tricks, or without one. */
export function augmented({ tricks, ...rest }: Bag, augment: Call | undefined): Bag {
  const others = tricks.filter((part) => isKept(part) || !isPolicy(part.name))
  return { ...rest, tricks: [...(augment ? [augment] : []), ...others] }
}

/** A random policy of 25 sub-policies. */
export const randomPolicyCall = (random: Random): Call => policyCall(randomPolicy(random))

/** The baselines, trained for the same epochs as the found augmentation. @param random a random one of its kind */
export const baselines = (random: Arm['augment']): readonly Arm[] => [
  { name: 'none', augment: () => undefined },
  { name: 'random policies', augment: random },
  { name: 'uniform-augment', augment: () => ({ name: 'uniform-augment', options: {} }) },
  { name: 'trivial-augment', augment: () => ({ name: 'trivial-augment', options: {} }) },
  { name: 'rand-augment', augment: () => ({ name: 'rand-augment', options: {} }) },
  { name: "autoaugment's for CIFAR-10", augment: () => ({ name: 'autoaugment', options: {} }) },
]
