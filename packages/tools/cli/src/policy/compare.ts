import { estimate, type Estimate } from '@tricks/ablation'
import { createRandom } from '@tricks/core'
import type { Queue } from '@tricks/trials'
import type { Bag } from '../tune/bag.ts'
import { accuraciesOf, type PairRun, trainPairs } from '../tune/pairs.ts'
import type { TuneSetup } from '../tune/setup.ts'
import { type Arm, augmented } from './arms.ts'

/** An augmentation's accuracy, and the gain of the found one over it, in pairs with the same seed. */
export interface Compared {
  readonly name: string
  readonly accuracy: Estimate
  /** By seed; those of another search with the same seed and settings are pairs with these. */
  readonly accuracies: readonly number[]
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
    readonly onResult: (run: PairRun) => void
  },
): Promise<Compared[] | undefined> {
  const { bag, seed, ...rest } = of
  const own = arms.map(({ name, augment }) => ({
    name,
    bag: (each: number) => augmented(bag, augment(createRandom(each).fork('policy'))),
  }))
  const runs = await trainPairs(own, n, {
    ...rest,
    command: 'search',
    stage: 'comparison',
    first: seed + offset,
    measured: 'test',
  })
  if (runs.some(({ entry }) => entry === undefined)) return undefined
  const [found] = own.map((arm) => accuraciesOf(runs, arm))
  return own.map((arm, i) => {
    const accuracies = accuraciesOf(runs, arm)
    const gain = i > 0 && { gain: estimate(found!.map((value, j) => value - accuracies[j]!)) }
    return { name: arm.name, accuracy: estimate(accuracies), accuracies, ...gain }
  })
}
