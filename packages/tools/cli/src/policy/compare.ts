import { estimate, type Estimate } from '@tricks/ablation'
import { createRandom } from '@tricks/core'
import { type Queue, settle } from '@tricks/trials'
import type { Bag } from '../tune/bag.ts'
import { scoreOf, tuneTrial } from '../tune/search.ts'
import type { TuneSetup } from '../tune/setup.ts'
import { type Arm, augmented } from './arms.ts'

/** An augmentation's accuracy, and what the found one has more, over pairs with the same seed. */
export interface Compared {
  readonly name: string
  readonly accuracy: Estimate
  /** Absent for the found one itself. */
  readonly gain?: Estimate
}

/** Seeds of the comparison, counted from the search's own. */
const offset = 201

/**
 * Trains each arm with the same fresh seeds, and measures them on test images; the first arm is the found one.
 *
 * @returns undefined if interrupted
 */
export async function compareArms(
  arms: readonly Arm[],
  n: number,
  of: {
    readonly queue: Queue
    readonly setup: TuneSetup
    readonly bag: Bag
    readonly seed: number
    readonly signal: AbortSignal
    readonly onResult: (line: { name: string; seed: number; accuracy: number | null }) => void
  },
): Promise<Compared[] | undefined> {
  const { queue, setup, bag, seed, signal, onResult } = of
  const runs = Array.from({ length: n }, (_, i) => (seed + offset + i) % 2 ** 32).flatMap((own) =>
    arms.map(({ name, augment }) => ({
      name,
      trial: tuneTrial(
        `comparison: ${name}`,
        augmented(bag, augment(createRandom(own).fork('policy'))),
        setup,
        { seed: own, budget: setup.epochs, measured: 'test' },
      ),
    })),
  )
  const nameOf = new Map(runs.map(({ name, trial }) => [trial.id, name]))
  const entries = await settle(
    queue,
    runs.map(({ trial }) => trial),
    {
      signal,
      onSettled: (entry) =>
        onResult({
          name: nameOf.get(entry.trial.id)!,
          seed: entry.trial.seed,
          accuracy: scoreOf(entry),
        }),
    },
  )
  if (entries.length < runs.length) return undefined
  const failed = entries.find(({ state }) => state === 'failed')
  if (failed)
    throw new Error(
      `search: ${nameOf.get(failed.trial.id)}: ${failed.error}. Start it again to try again.`,
    )
  const scores = (name: string): number[] =>
    entries.filter(({ trial }) => nameOf.get(trial.id) === name).map((entry) => scoreOf(entry) ?? 0)
  const found = scores(arms[0]!.name)
  return arms.map(({ name }, i) => {
    const own = scores(name)
    const gain = i > 0 && { gain: estimate(found.map((value, j) => value - own[j]!)) }
    return { name, accuracy: estimate(own), ...gain }
  })
}
