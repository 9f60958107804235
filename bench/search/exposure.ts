// How much of each operation a found augmentation has, compared with random ones.
import type { Policy } from '@tricks/autoaugment'
import { createRandom } from '@tricks/core'
import {
  drawPopulationPolicy,
  type PolicySchedule,
  populationOperations,
  randomPolicy,
} from '@tricks/policy-search'

/** By operation: its probability times its strength from 0 to 1, 1 if it has none; the mean over an augmentation. */
export type Exposure = Readonly<Record<string, number>>

const nothing = (): Record<string, number> =>
  Object.fromEntries(populationOperations.map((op) => [op, 0]))

/** The exposure of a policy: the mean over its sub-policies. */
export function ofPolicy(policy: Policy): Exposure {
  const sums = nothing()
  for (const [op, probability, strength] of policy.flat())
    sums[op] = (sums[op] ?? 0) + (probability * ((strength ?? 9) / 9)) / policy.length
  return sums
}

const withoutStrength = ['AutoContrast', 'Equalize', 'Invert']

/** The exposure of a schedule: the mean over the run. */
export function ofSchedule(schedule: PolicySchedule): Exposure {
  const sums = nothing()
  for (const [i, { until, policy }] of schedule.entries()) {
    const share = until - (schedule[i - 1]?.until ?? 0)
    for (const [op, tenths, strength] of policy)
      sums[op]! += share * (tenths / 10) * (withoutStrength.includes(op) ? 1 : strength / 9)
  }
  return sums
}

/** The mean exposure of random augmentations of the same kind. */
export function ofRandom(kind: 'policy' | 'schedule', count = 400): Exposure {
  const sums = nothing()
  for (let i = 0; i < count; i++) {
    const random = createRandom(i)
    const own =
      kind === 'policy'
        ? ofPolicy(randomPolicy(random))
        : ofSchedule([{ until: 1, policy: drawPopulationPolicy(random) }])
    for (const [op, value] of Object.entries(own)) sums[op]! += value / count
  }
  return sums
}

/** What an augmentation has of some operations, relative to random ones: 1 is as much as these, 0 is nothing. */
export const relative = (own: Exposure, random: Exposure, operations: readonly string[]): number =>
  operations.reduce((sum, op) => sum + own[op]!, 0) /
  operations.reduce((sum, op) => sum + random[op]!, 0)
