import { createRandom } from '@tricks/core'
import { drawPopulationPolicy, nextGeneration, type PolicySchedule } from '@tricks/policy-search'
import { forget, type Queue, settle, type Trial } from '@tricks/trials'
import type { Bag } from '../tune/bag.ts'
import { metricsOf, scoreOf, tuneTrial } from '../tune/search.ts'
import type { TuneSetup } from '../tune/setup.ts'
import { augmented, scheduleCall } from './arms.ts'

export interface PopulationSearch {
  readonly queue: Queue
  readonly storage: string
  /** Its epochs are those of a member. */
  readonly setup: TuneSetup
  readonly bag: Bag
  readonly members: number
  readonly seed: number
  readonly signal: AbortSignal
  readonly onGeneration: (generation: Generation, of: number) => void
}

/** The members after a generation. */
export interface Generation {
  readonly number: number
  readonly members: readonly {
    readonly id: string
    /** The member of the generation before whose weights it continued with. */
    readonly from: number
    readonly schedule: PolicySchedule
    readonly accuracy: number | null
    readonly wallClock?: { readonly seconds: number }
  }[]
}

/** The maximum number of generations: measuring each takes an extra epoch. */
const mostGenerations = 12

/** The epoch in which each generation ends. */
export function generationEnds(epochs: number): number[] {
  const count = Math.min(epochs, mostGenerations)
  return Array.from({ length: count }, (_, i) => Math.round(((i + 1) * epochs) / count))
}

/** Epochs that a search trains in all. */
export const populationEpochs = (members: number, epochs: number): number =>
  members * (epochs + generationEnds(epochs).length - 1)

/**
 * Trains a population: after each generation the worst quarter continue with the weights and a changed policy of members of
 * the best. Each trial holds its whole schedule so far, so a generation is a function of the results of the one before.
 *
 * @returns the schedule of the best member, as shares of a run; undefined if interrupted
 */
export async function searchPopulation(
  options: PopulationSearch,
): Promise<{ schedule: PolicySchedule; generations: Generation[] } | undefined> {
  const { queue, storage, setup, bag, members, seed, signal, onGeneration } = options
  const random = createRandom(seed).fork('population')
  const ends = generationEnds(setup.epochs)
  const generations: Generation[] = []
  let trials: readonly Trial[] = []
  let heirs = Array.from({ length: members }, (_, i) => ({
    policy: drawPopulationPolicy(random.fork('first').at(i)),
    from: i,
  }))
  let schedules: readonly PolicySchedule[] = heirs.map(() => [])
  for (const [generation, budget] of ends.entries()) {
    const until = budget / setup.epochs
    const before = trials
    schedules = heirs.map(({ policy, from }) => [...schedules[from]!, { until, policy }])
    trials = schedules.map((schedule, i) =>
      tuneTrial(
        `member ${i}, generation ${generation}`,
        augmented(bag, scheduleCall(schedule)),
        setup,
        {
          seed,
          budget,
          measured: 'validation',
          pause: 1,
          ...(before.length > 0 && { from: before[heirs[i]!.from]!.id }),
        },
      ),
    )
    const entries = await settle(queue, trials, { signal })
    if (entries.length < trials.length) return undefined
    const failed = entries.find(({ state }) => state === 'failed')
    if (failed) throw new Error(`search: a member can't be trained: ${failed.error}`)
    for (const { id } of before) forget(storage, id)
    const scores = entries.map((entry) => scoreOf(entry))
    generations.push({
      number: generation,
      members: entries.map((entry, i) => {
        const { wallClock } = metricsOf(entry)!
        const { from } = heirs[i]!
        return {
          id: entry.trial.id,
          from,
          schedule: schedules[i]!,
          accuracy: scores[i]!,
          wallClock,
        }
      }),
    })
    onGeneration(generations.at(-1)!, ends.length)
    if (generation === ends.length - 1) {
      const best = scores.indexOf(Math.max(...scores.map((score) => score ?? -1)))
      if (best < 0) throw new Error('search: every member diverged. Use a smaller learning rate.')
      return { schedule: joined(schedules[best]!), generations }
    }
    heirs = nextGeneration(
      scores.map((score, i) => ({ policy: heirs[i]!.policy, score: score ?? -1 })),
      random.fork('generation').at(generation),
    )
  }
  return undefined
}

/** Neighbours with the same policy as one. */
export const joined = (schedule: PolicySchedule): PolicySchedule =>
  schedule.filter(
    ({ policy }, i) => JSON.stringify(policy) !== JSON.stringify(schedule[i + 1]?.policy),
  )
