// How to write a driver: each generation is a function of the previous one's results and a seed. Nothing is saved;
// after a restart it adds the same trials, which exist already, and finds the same results.
import { createRandom } from '@tricks/core'
import type { Entry, Queue } from '../src/queue.ts'
import { settle } from '../src/settle.ts'
import { type Trial, trialOf } from '../src/trial.ts'

const members = 6

/** Exploit and explore: mutated copies of the better half replace the worse half. */
export async function generations(queue: Queue, count: number): Promise<Entry[]> {
  const range = Array.from({ length: members }, (_, member) => member)
  const trialFor = (generation: number, member: number, rate: number): Trial =>
    trialOf({
      kind: 'steps',
      config: { steps: 2, step: 30, generation, member, rate },
      seed: rate,
      budget: 2,
    })
  let results = await settle(
    queue,
    range.map((each) => trialFor(0, each, each)),
    { every: 50 },
  )
  const all = [...results]
  for (let generation = 1; generation < count; generation++) {
    const best = results.toSorted((a, b) => scoreOf(b) - scoreOf(a)).slice(0, members / 2)
    const random = createRandom(0).fork('explore').at(generation)
    const next = range.map((each) => {
      const parent = best[each % best.length]!.trial.seed
      return trialFor(
        generation,
        each,
        each < members / 2 ? parent : parent + random.integer(1, 1000),
      )
    })
    results = await settle(queue, next, { every: 50 })
    all.push(...results)
  }
  return all
}

const scoreOf = ({ outcome }: Entry): number =>
  (outcome!.metrics as { readonly score: number }).score
