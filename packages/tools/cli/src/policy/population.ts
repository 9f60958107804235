import { createRandom, type Json } from '@tricks/core'
import {
  drawPopulationPolicy,
  firstPolicies,
  nextGeneration,
  type PolicySchedule,
} from '@tricks/policy-search'
import { forget, type Trial } from '@tricks/trials'
import { metricsOf, scoreOf, tuneTrial } from '../tune/search.ts'
import type { WallClock } from '../tune/stopwatch.ts'
import { augmented, scheduleCall } from './arms.ts'
import { fewestEpochs, type Found, type Means, type Method, resultsOf } from './method.ts'
import { bestAndMean } from './scores.ts'

/** The members after a generation. */
export interface Generation {
  readonly number: number
  readonly members: readonly {
    readonly id: string
    /** The member of the generation before whose weights it continued with. */
    readonly from: number
    readonly schedule: PolicySchedule
    readonly accuracy: number | null
    readonly wallClock: WallClock
  }[]
}

/** The maximum number of generations: measuring each takes an extra epoch. */
const mostGenerations = 12

/** The epoch in which each generation ends. */
export function generationEnds(epochs: number): number[] {
  const count = Math.min(epochs, mostGenerations)
  return Array.from({ length: count }, (_, i) => Math.round(((i + 1) * epochs) / count))
}

/** The total epochs of a search. */
export const populationEpochs = (members: number, epochs: number): number =>
  members * (epochs + generationEnds(epochs).length - 1)

/** Population Based Augmentation. */
export const population: Method = {
  title: 'Population Based Augmentation',
  random: (random) => scheduleCall([{ until: 1, policy: drawPopulationPolicy(random) }]),
  plan(most, sizes) {
    const { members } = sizes
    let { epochs } = sizes
    while (epochs > fewestEpochs(sizes) && populationEpochs(members, epochs) > most) epochs--
    return {
      epochs,
      rounds: generationEnds(epochs).length,
      cost: populationEpochs(members, epochs),
      text: `${members} members of ${epochs} epochs`,
    }
  },
  search: searchPopulation,
}

/**
 * Trains a population: after each generation, the worst quarter continue with the weights and a mutated policy of members
 * of the best quarter. Each trial holds its whole schedule so far, so a generation is a function of the previous one's results.
 *
 * @returns the schedule of the best member, as shares of a run; undefined if interrupted
 */
async function searchPopulation(means: Means): Promise<Found | undefined> {
  const { storage, setup, bag, plan, members, seed, say } = means
  const random = createRandom(seed).fork('population')
  const ends = generationEnds(setup.epochs)
  const generations: Generation[] = []
  let trials: readonly Trial[] = []
  let heirs = firstPolicies(members, random.fork('first')).map((policy, from) => ({ policy, from }))
  let schedules: readonly PolicySchedule[] = heirs.map(() => [])
  let scores: readonly (number | null)[] = []
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
    const entries = await resultsOf(trials, means)
    if (!entries) return undefined
    for (const { id } of before) forget(storage, id)
    scores = entries.map((entry) => scoreOf(entry))
    generations.push({
      number: generation,
      members: entries.map((entry, i) => ({
        id: entry.trial.id,
        from: heirs[i]!.from,
        schedule: schedules[i]!,
        accuracy: scores[i]!,
        wallClock: metricsOf(entry)!.wallClock,
      })),
    })
    const number = String(generation + 1).padStart(3)
    say(`Generation ${number}/${ends.length}  ${bestAndMean(scores)}`)
    heirs = nextGeneration(
      scores.map((score, i) => ({ policy: heirs[i]!.policy, score: score ?? -1 })),
      random.fork('generation').at(generation),
    )
  }
  const best = scores.indexOf(Math.max(...scores.map((score) => score ?? -1)))
  if (best < 0) throw new Error('search: every member diverged. Use a smaller learning rate.')
  const schedule = joined(schedules[best]!)
  return {
    call: scheduleCall(schedule),
    text: `${plan.text}, ${ends.length} generations. The schedule has ${schedule.length} different policies.`,
    tried: { generations: generations as unknown as Json },
  }
}

/** Merges successive parts with the same policy. */
export const joined = (schedule: PolicySchedule): PolicySchedule =>
  schedule.filter(
    ({ policy }, i) => JSON.stringify(policy) !== JSON.stringify(schedule[i + 1]?.policy),
  )
