import { type Entry, type Queue, settle, type Trial } from '@tricks/trials'
import type { Json, Random } from '@tricks/core'
import { armOf } from '../trials/rows.ts'
import type { Bag, Call } from '../tune/bag.ts'
import type { TuneSetup } from '../tune/setup.ts'

/** The sizes that determine the length of a search. */
export interface Sizes {
  /** Epochs of the recipe. */
  readonly epochs: number
  /** Training images. */
  readonly images: number
  /** Runs per generation. */
  readonly members: number
}

/** How a search uses its share of the budget. */
export interface Plan {
  /** Epochs of each run. */
  readonly epochs: number
  /** The number of rounds, as the method counts them. */
  readonly rounds: number
  /** If networks score candidates: the number of images on which they do. */
  readonly held?: number
  /** Epochs of all runs together. */
  readonly cost: number
  /** A description in one line. */
  readonly text: string
}

/** The inputs of a search. */
export interface Means {
  readonly queue: Queue
  readonly storage: string
  /** Its epochs are those of the plan. */
  readonly setup: TuneSetup
  readonly bag: Bag
  readonly plan: Plan
  readonly members: number
  readonly reward: 'mean' | 'best-of-five'
  readonly seed: number
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  /** Called with the trials of each round when all have finished. */
  readonly onTrained: (entries: readonly Entry[]) => void
}

/** The result of a search. */
export interface Found {
  readonly call: Call
  /** A description in a sentence or two. */
  readonly text: string
  /** All candidates with their results. */
  readonly tried: Readonly<Record<string, Json>>
}

/** A method of searching. */
export interface Method {
  readonly title: string
  /** A random augmentation of the same kind, as a baseline. */
  random(random: Random): Call
  /** @param most limit on the epochs of all runs together; the smallest possible plan may exceed it */
  plan(most: number, sizes: Sizes): Plan
  /** @returns undefined if interrupted */
  search(means: Means): Promise<Found | undefined>
}

/** Epochs of the shortest run that can distinguish augmentations. */
export const fewestEpochs = ({ epochs }: Sizes): number => Math.min(4, epochs)

/**
 * Waits for the results of trials.
 *
 * @returns undefined if interrupted
 * @throws Error if one failed
 */
export async function resultsOf(
  trials: readonly Trial[],
  { queue, signal, onTrained }: Pick<Means, 'queue' | 'signal'> & Partial<Pick<Means, 'onTrained'>>,
): Promise<Entry[] | undefined> {
  const entries = await settle(queue, trials, { signal })
  if (entries.length < trials.length) return undefined
  const failed = entries.find(({ state }) => state === 'failed')
  if (failed)
    throw new Error(
      `search: ${armOf(failed.trial)}: ${failed.error}. Run the command again to retry.`,
    )
  onTrained?.(entries)
  return entries
}
