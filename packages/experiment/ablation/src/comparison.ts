import type { Json } from '@tricks/core'

/** One way to train: what its runs are kept under, and what a worker makes it from. */
export interface Arm {
  readonly key: string
  readonly spec: Json
}

/** A trick's effect is the first arm's result minus the second's. */
export interface Comparison {
  readonly name: string
  /** Whether the trick is added to a base, or left out of everything. */
  readonly kind: 'added' | 'left out'
  readonly with: Arm
  readonly without: Arm
  readonly remark?: string
}

/** Each arm once, in the order in which results are wanted. */
export const armsOf = (list: readonly Comparison[]): ReadonlyMap<string, Arm> =>
  new Map(
    list.flatMap(({ without, with: having }) => [without, having]).map((arm) => [arm.key, arm]),
  )
