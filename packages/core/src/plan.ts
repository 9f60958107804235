import { keyOf } from './combine-batch.ts'
import type { Stage } from './stages.ts'
import type { Json, Trick } from './trick.ts'

/** A trick as data, for records, comparison and printing. */
export interface PlanTrick {
  readonly name: string
  readonly key: string
  /** Including defaults. */
  readonly options: Json
  /** A combinator's tricks. */
  readonly tricks?: readonly PlanTrick[]
}

export interface PlanStage {
  readonly stage: Stage
  readonly tricks: readonly PlanTrick[]
}

export const planTrick = (trick: Trick): PlanTrick => ({
  name: trick.name,
  key: keyOf(trick),
  options: trick.options,
  ...(trick.tricks && { tricks: trick.tricks.map(planTrick) }),
})

/** The stages that at least one trick uses, in execution order. */
export const planOf = (tricks: readonly Trick[], order: readonly Stage[]): PlanStage[] =>
  order
    .map((stage) => ({ stage, tricks: tricks.filter((trick) => trick[stage]).map(planTrick) }))
    .filter((each) => each.tricks[0])
