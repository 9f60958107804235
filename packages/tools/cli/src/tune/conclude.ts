import { estimate, type Estimate } from '@tricks/ablation'
import { type Configuration } from '@tricks/tune'
import { bagOf, startOf } from './space.ts'
import { partsOf } from './parts.ts'
import { accuraciesOf, type PairRun, trainPairs } from './pairs.ts'
import { ranking, type Search, search, spentOf, type Trained } from './search.ts'

/** The result of a search. */
export interface Found {
  /** All trials, in the order in which they were decided. */
  readonly trained: readonly Trained[]
  readonly winner: Configuration
  /** Whether the winner is the recipe itself, as no candidate was better. */
  readonly isBase: boolean
  /** On test images, with seeds that were not used before. */
  readonly comparison: Comparison
  /**
   * The winner's loss of accuracy without each of its parts, on validation images; empty if the budget didn't allow it.
   */
  readonly parts: readonly Part[]
}

export interface Comparison {
  readonly n: number
  readonly base: Estimate
  readonly winner: Estimate
  /** The winner's accuracy minus the base's, over pairs. */
  readonly gain: Estimate
}

export interface Part {
  readonly name: string
  readonly n: number
  /** The winner's accuracy minus that without the part, over pairs. */
  readonly effect: Estimate
}

/** Seeds of the later stages, as offsets from the search's seed. */
const offsets = { finalists: 1, parts: 101, comparison: 201 } as const

/** Searches, chooses a winner on validation images, and compares it with the recipe on test images. */
export async function tune(options: Search): Promise<Found | undefined> {
  const { searched, signal, account, setup } = options
  const decisions = await search(options)
  if (signal.aborted) return undefined
  const trained: Trained[] = [...decisions]
  const start = startOf(searched)

  const left = account.total - account.spentOn(trained.map(spentOf))
  const perRun = setup.epochs * account.perEpoch(trained.map(spentOf))
  const shares = sharesOf(left / perRun)
  const candidates = ranking(decisions).filter(({ candidate }) => candidate !== 0)
  const finalists = [
    { name: 'the recipe', configuration: start },
    ...candidates.slice(0, shares.finalists - 1).map(({ candidate, configuration }) => ({
      name: `candidate ${candidate}`,
      configuration,
    })),
  ]
  const stage = async (
    of: keyof typeof offsets,
    arms: readonly Arm[],
    n: number,
  ): Promise<number[][] | undefined> => {
    const { accuracies, trials } = await trainArms(options, of, arms, n)
    trained.push(...trials)
    return signal.aborted ? undefined : accuracies
  }
  const judged = await stage('finalists', finalists, shares.finalistSeeds)
  if (!judged) return undefined
  const means = judged.map((values) => mean(values))
  const best = means.indexOf(Math.max(...means))
  const winner = finalists[best]!.configuration

  const base = { name: 'the recipe', configuration: start }
  const found = { name: 'the winner', configuration: winner }
  const isBase = best === 0
  const arms = isBase ? [base] : [base, found]
  const pairs = await stage('comparison', arms, shares.comparisonSeeds)
  if (!pairs) return undefined
  const [ofBase, ofWinner = ofBase] = pairs as [number[], number[]?]
  const parts = isBase ? [] : partsOf(searched, winner)
  const rest = account.total - account.spentOn(trained.map(spentOf))
  const seeds = Math.min(10, Math.floor(rest / perRun / (parts.length + 1)))
  const without =
    parts.length > 0 && seeds > 0 ? await stage('parts', [found, ...parts], seeds) : []
  if (!without) return undefined
  const [whole, ...others] = without
  return {
    trained,
    winner,
    isBase,
    comparison: {
      n: ofBase.length,
      base: estimate(ofBase),
      winner: estimate(ofWinner),
      gain: estimate(differences(ofWinner, ofBase)),
    },
    parts: others.map((values, i) => ({
      name: parts[i]!.name,
      n: values.length,
      effect: estimate(differences(whole!, values)),
    })),
  }
}

interface Arm {
  readonly name: string
  readonly configuration: Configuration
}

/** Divides the remaining runs between the stages. */
export function sharesOf(runs: number): {
  readonly finalists: number
  readonly finalistSeeds: number
  readonly comparisonSeeds: number
} {
  // With few runs, more finalists are more likely to include a good one than more seeds are to identify it.
  const finalistSeeds = runs >= 40 ? 3 : runs >= 25 ? 2 : 1
  const finalists = Math.min(6, Math.max(2, Math.floor((0.3 * runs) / finalistSeeds)))
  const comparisonSeeds = Math.min(10, Math.max(2, Math.floor(0.2 * runs)))
  return { finalists, finalistSeeds, comparisonSeeds }
}

/** Trains each arm with the same seeds. */
async function trainArms(
  { queue, setup, base, seed, signal, onResult }: Search,
  stage: keyof typeof offsets,
  arms: readonly Arm[],
  n: number,
): Promise<{ accuracies: number[][]; trials: Trained[] }> {
  const own = arms.map((arm) => ({ ...arm, bag: () => bagOf(base, arm.configuration) }))
  const trainedOf = ({ arm, ...run }: PairRun): Trained => {
    const { name, configuration } = own.find((each) => each === arm)!
    return { ...run, name, stage, configuration, epochs: setup.epochs }
  }
  const runs = await trainPairs(own, n, {
    command: 'tune',
    stage,
    queue,
    setup,
    first: seed + offsets[stage],
    measured: stage === 'comparison' ? 'test' : 'validation',
    signal,
    onResult: (run) => onResult(trainedOf(run)),
  })
  return { trials: runs.map(trainedOf), accuracies: own.map((arm) => accuraciesOf(runs, arm)) }
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

const differences = (one: readonly number[], other: readonly number[]): number[] =>
  one.map((value, i) => value - other[i]!)
