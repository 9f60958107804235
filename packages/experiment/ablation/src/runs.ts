import type { Json } from '@tricks/core'
import { type Entry, type Trial, trialOf } from '@tricks/trials'
import { type Arm, armsOf, type Comparison } from './comparison.ts'
import type { Result } from './results.ts'
import { pairsOf } from './summary.ts'
import type { ArmConfig, Outcome } from './worker.ts'

/** One arm with one seed. */
export interface Run {
  readonly arm: Arm
  readonly seed: number
}

/**
 * The runs that are missing. Those that add a trick come first, for every seed: they are the most useful and the
 * fastest.
 *
 * @param on the machine that trains them; undefined if it isn't known yet
 */
export function missing(
  done: readonly Result[],
  on: string | undefined,
  { comparisons, seeds }: { readonly comparisons: readonly Comparison[]; readonly seeds: number },
): Run[] {
  const has = new Set(
    done
      .filter((result) => on === undefined || result.on === on)
      .map(({ seed, arm }) => `${seed} ${arm}`),
  )
  const wanted = (['added', 'left out'] as const).flatMap((kind) =>
    Array.from({ length: seeds }, (_, seed) => {
      const lacking = comparisons.filter(
        (comparison) =>
          comparison.kind === kind &&
          !pairsOf(done, comparison).some(({ having }) => having.seed === seed),
      )
      return [...armsOf(lacking).values()].map((arm) => ({ arm, seed }))
    }).flat(),
  )
  return wanted.filter(({ arm, seed }) => {
    const key = `${seed} ${arm.key}`
    return !has.has(key) && has.add(key)
  })
}

/** The trial of a run. */
export function trialFor(
  { arm, seed }: Run,
  setup: Json,
  { on, epochs }: { readonly on: string | undefined; readonly epochs: number },
): Trial {
  const config = { arm: arm.key, spec: arm.spec, setup, ...(on !== undefined && { on }) }
  return trialOf({ kind: 'arm', config, seed, budget: epochs })
}

/** Whether a trial is an arm of the ablation with this setup: a queue may hold others. */
export const isArm = ({ kind, config }: Trial, setup: Json): boolean =>
  kind === 'arm' && JSON.stringify((config as unknown as ArmConfig).setup) === JSON.stringify(setup)

/** The line of `runs.jsonl` for a finished trial. */
export function resultOf({ trial, outcome }: Entry): Result {
  const { arm } = trial.config as unknown as ArmConfig
  return { arm, seed: trial.seed, ...(outcome!.metrics as unknown as Outcome) }
}
