// How much of each operation a found augmentation has, compared with random ones.
import type { Policy } from '@tricks/autoaugment'
import { createRandom } from '@tricks/core'
import {
  drawPopulationPolicy,
  type PolicySchedule,
  populationOperations,
  randomPolicy,
  scheduledAugment,
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

const withoutStrength: readonly string[] = ['AutoContrast', 'Equalize', 'Invert']
const amount = (op: string, strength: number): number =>
  withoutStrength.includes(op) ? 1 : strength / 9
/** Images on which a policy's use of operations is counted: at most two are applied to each, however probable all are. */
const shape = { batch: 500, height: 32, width: 32, channels: 3, mean: [0, 0, 0], classes: 2 }

/** The exposure of a schedule: the mean over the run. */
export function ofSchedule(schedule: PolicySchedule): Exposure {
  const sums = nothing()
  for (const [i, { until, policy }] of schedule.entries()) {
    const share = until - (schedule[i - 1]?.until ?? 0)
    const { images } = scheduledAugment({ schedule: [{ until: 1, policy }] })
    const { steps } = images!.draw(createRandom(i), shape, { step: 0, steps: 1 } as never) as {
      readonly steps: readonly (readonly { readonly op: string }[])[]
    }
    const drawn = steps.flat()
    for (const op of populationOperations) {
      const own = policy.filter(([name]) => name === op)
      const tenths = own.reduce((sum, [, value]) => sum + value, 0)
      if (tenths === 0) continue
      const used = drawn.filter((step) => step.op === op).length / shape.batch
      const strong = own.reduce((sum, [, value, strength]) => sum + value * amount(op, strength), 0)
      sums[op]! += share * used * (strong / tenths)
    }
  }
  return sums
}

/** The mean exposure of random augmentations of the same kind. */
export function ofRandom(kind: 'policy' | 'schedule', count = 400): Exposure {
  if (kind === 'policy') return ofPolicy(randomPolicy(createRandom(0), 25 * count))
  return ofSchedule(
    Array.from({ length: count }, (_, i) => ({
      until: (i + 1) / count,
      policy: drawPopulationPolicy(createRandom(i)),
    })),
  )
}

/** What an augmentation has of some operations, relative to random ones: 1 is as much as these, 0 is nothing. */
export const relative = (own: Exposure, random: Exposure, operations: readonly string[]): number =>
  operations.reduce((sum, op) => sum + own[op]!, 0) /
  operations.reduce((sum, op) => sum + random[op]!, 0)
