import { type Entry, type Queue, settle, type Trial } from '@tricks/trials'
import { armOf } from '../trials/rows.ts'
import type { Bag } from './bag.ts'
import { scoreOf, tuneTrial } from './search.ts'
import type { TuneSetup } from './setup.ts'
import type { TuneConfig } from './trial.ts'

/** A configuration that is trained with each of the seeds that all arms share. */
export interface PairArm {
  readonly name: string
  bag(seed: number): Bag
}

/** A run of an arm with a seed. */
export interface PairRun {
  readonly arm: PairArm
  readonly trial: Trial
  readonly entry?: Entry
}

/**
 * Trains each arm with the same seeds.
 *
 * @param options.stage precedes the arms' names in the trials
 * @param options.first the first seed; the others follow it
 * @returns the runs, seed by seed; without an entry if interrupted before its result
 * @throws Error if a run failed
 */
export async function trainPairs(
  arms: readonly PairArm[],
  n: number,
  options: {
    readonly command: string
    readonly stage: string
    readonly queue: Queue
    readonly setup: TuneSetup
    readonly first: number
    readonly measured: TuneConfig['measured']
    readonly signal: AbortSignal
    readonly onResult: (run: PairRun) => void
  },
): Promise<PairRun[]> {
  const { command, stage, queue, setup, first, measured, signal, onResult } = options
  const seeds = Array.from({ length: n }, (_, i) => (first + i) % 2 ** 32)
  const runs = seeds.flatMap((seed) =>
    arms.map((arm): PairRun => {
      const more = { seed, budget: setup.epochs, measured }
      return { arm, trial: tuneTrial(`${stage}: ${arm.name}`, arm.bag(seed), setup, more) }
    }),
  )
  const byId = new Map(runs.map((run) => [run.trial.id, run]))
  const entries = await settle(
    queue,
    runs.map(({ trial }) => trial),
    { signal, onSettled: (entry) => onResult({ ...byId.get(entry.trial.id)!, entry }) },
  )
  const failed = entries.find(({ state }) => state === 'failed')
  if (failed)
    throw new Error(
      `${command}: ${armOf(failed.trial)}: ${failed.error}. Run the command again to retry.`,
    )
  const results = new Map(entries.map((entry) => [entry.trial.id, entry]))
  return runs.map((run) => {
    const entry = results.get(run.trial.id)
    return entry ? { ...run, entry } : run
  })
}

/** An arm's accuracies, seed by seed; a run that diverged counts as 0. */
export const accuraciesOf = (runs: readonly PairRun[], arm: PairArm): number[] =>
  runs.filter((run) => run.arm === arm).map(({ entry }) => scoreOf(entry) ?? 0)
