import type { Json } from '@tricks/core'
import { scoreOf, tuneTrial } from '../tune/search.ts'
import { augmented, randomPolicyCall } from './arms.ts'
import { fewestEpochs, type Found, type Means, type Method, resultsOf } from './method.ts'
import { bestAndMean } from './scores.ts'

/** The grid: numbers of operations, and strengths of 31. */
const cells = [1, 2, 3].flatMap((operations) =>
  [3, 9, 15, 21, 27].map((magnitude) => ({ operations, magnitude })),
)
const mostSeeds = 5

const textOf = ({ operations, magnitude }: (typeof cells)[number]): string =>
  `${operations === 1 ? 'one operation' : `${operations} operations`} of strength ${magnitude}`

/** RandAugment's own search: two options. */
export const grid: Method = {
  title: 'RandAugment',
  random: randomPolicyCall,
  plan(most, sizes) {
    let { epochs } = sizes
    while (epochs > fewestEpochs(sizes) && cells.length * epochs > most) epochs--
    const perRound = cells.length * epochs
    const rounds = Math.max(1, Math.min(mostSeeds, Math.floor(most / perRound)))
    return {
      epochs,
      rounds,
      cost: rounds * perRound,
      text: `${cells.length} pairs of options, trained for ${epochs} epochs with ${rounds === 1 ? 'one seed' : `${rounds} seeds`}`,
    }
  },
  search: searchGrid,
}

/** Trains with each cell of the grid. @returns the best on validation images; undefined if interrupted */
async function searchGrid(means: Means): Promise<Found | undefined> {
  const { setup, bag, plan, seed, say } = means
  const accuracies: number[][] = cells.map(() => [])
  for (let round = 0; round < plan.rounds; round++) {
    const trials = cells.map((options) =>
      tuneTrial(textOf(options), augmented(bag, { name: 'rand-augment', options }), setup, {
        seed: (seed + round) % 2 ** 32,
        budget: setup.epochs,
        measured: 'validation',
      }),
    )
    const entries = await resultsOf(trials, means)
    if (!entries) return undefined
    const scores = entries.map((entry) => scoreOf(entry))
    // A run that diverged counts as an accuracy of 0.
    for (const [i, score] of scores.entries()) accuracies[i]!.push(score ?? 0)
    say(`Seed ${String(round + 1).padStart(3)}/${plan.rounds}  ${bestAndMean(scores)}`)
  }
  const sums = accuracies.map((own) => own.reduce((sum, each) => sum + each, 0))
  const options = cells[sums.indexOf(Math.max(...sums))]!
  return {
    call: { name: 'rand-augment', options },
    text: `${plan.text}. The best has ${textOf(options)}.`,
    tried: { cells: cells.map((cell, i): Json => ({ ...cell, accuracies: accuracies[i]! })) },
  }
}
