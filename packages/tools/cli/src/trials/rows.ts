import type { TrialRow } from '@tricks/report'
import type { Entry } from '@tricks/trials'

/** A name by which a person recognises a trial: an arm's if it has one. */
export function armOf({ id, kind, config }: Entry['trial']): string {
  const { arm } = config as { readonly arm?: string }
  return arm ?? `${kind} ${id}`
}

/** A trial as a row of the experiment's page. */
export function rowOf({ trial, state, progress, outcome, error }: Entry): TrialRow {
  const { accuracy, loss, wallClock } = (outcome?.metrics ?? {}) as {
    readonly accuracy?: number | null
    readonly loss?: number | null
    readonly wallClock?: { readonly seconds?: number; readonly cpuSeconds?: number }
  }
  const seconds = wallClock?.seconds ?? wallClock?.cpuSeconds
  return {
    name: armOf(trial),
    state,
    seed: trial.seed,
    budget: trial.budget,
    ...(progress !== undefined && { progress }),
    ...(typeof accuracy === 'number' && { accuracy }),
    ...(typeof loss === 'number' && { loss }),
    ...(seconds !== undefined && { seconds }),
    ...(error !== undefined && { error }),
  }
}
