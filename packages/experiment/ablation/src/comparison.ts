import type { Json } from '@tricks/core'

/** A training configuration: the key of its runs, and the spec from which a worker builds it. */
export interface Arm {
  readonly key: string
  readonly spec: Json
}

/** A comparison of two arms; the effect is the first arm's result minus the second's. */
export interface Comparison {
  readonly name: string
  /** Whether the trick is added to a base or left out of all tricks. */
  readonly kind: 'added' | 'left out'
  readonly with: Arm
  readonly without: Arm
  readonly remark?: string
}

/** All arms without duplicates, in order of priority. */
export const armsOf = (list: readonly Comparison[]): ReadonlyMap<string, Arm> =>
  new Map(
    list.flatMap(({ without, with: having }) => [without, having]).map((arm) => [arm.key, arm]),
  )
