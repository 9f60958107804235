import { createRandom, type Json } from '@tricks/core'
import { densitySpace, mergePolicies, policyOf } from '@tricks/policy-search'
import { proposeConfiguration, type Tried } from '@tricks/tune'
import { forget, type Trial, trialOf } from '@tricks/trials'
import { percent } from '@tricks/run'
import { type Fold, heldShare } from '../tune/images.ts'
import { scoreOf, tuneTrial } from '../tune/search.ts'
import { augmented, policyCall, randomPolicyCall } from './arms.ts'
import type { DensityConfig, DensityMetrics } from './density-trial.ts'
import { fewestEpochs, type Found, type Means, type Method, resultsOf } from './method.ts'
import { bestAndMean } from './scores.ts'

const folds = [0, 1, 2, 3, 4] as const
/** The number of candidates that each fold tries. */
const tries = { most: 200, fewest: 20 } as const
/** Candidates proposed at once, and candidates per trial: two trials per fold keep many processes busy. */
const [perRound, perTrial] = [10, 5]
/** One of this many candidates is kept: the authors keep 10 of 200. */
const keptOf = 20
/** Sub-policies of a candidate. */
const subPolicies = 5
/** Images on which a fold scores candidates. With a small budget, more candidates help more than more images. */
const judged = { fewest: 250, most: 2000 } as const
/** The time to augment an image and classify it, relative to that of a step of training on one; measured. */
const judging = 0.75

/** Fast AutoAugment's density matching. */
export const density: Method = {
  title: 'Fast AutoAugment',
  random: randomPolicyCall,
  plan(most, sizes) {
    const { images } = sizes
    const network = (epochs: number): number => folds.length * (1 - heldShare) * epochs
    const cost = (candidates: number, held: number): number =>
      (folds.length * candidates * subPolicies * held * judging) / images
    const largest = Math.max(1, Math.min(judged.most, Math.floor(heldShare * images)))
    const smallest = Math.min(judged.fewest, largest)
    let { epochs } = sizes
    // At most half of the epochs are for the networks.
    while (
      epochs > fewestEpochs(sizes) &&
      network(epochs) > Math.min(most / 2, most - cost(tries.fewest, smallest))
    )
      epochs--
    const left = most - network(epochs)
    const affordable = Math.floor(left / cost(tries.most, 1))
    const held = Math.max(smallest, Math.min(largest, affordable))
    const rounds = Math.floor(left / cost(perRound, held))
    const candidates = Math.max(tries.fewest, Math.min(tries.most, rounds * perRound))
    return {
      epochs,
      rounds: candidates / perRound,
      held,
      cost: Math.ceil(network(epochs) + cost(candidates, held)),
      text: `${folds.length} networks of ${epochs} epochs, which score ${candidates} candidates each on ${held} images`,
    }
  },
  search: searchDensity,
}

/** A candidate of a fold. */
type Candidate = Tried & { readonly result?: DensityMetrics['candidates'][number] }

/**
 * Trains a network per fold without the augmentation, and searches for policies with which each classifies its held-out
 * images best. A round is a function of the results of the previous ones.
 *
 * @returns the best policies of all folds as one; undefined if interrupted
 */
async function searchDensity(means: Means): Promise<Found | undefined> {
  const { storage, setup, bag, plan, seed, reward, say } = means
  const plain = augmented(bag, undefined)
  const foldAt = (index: number): Fold => ({ index, held: plan.held! })
  const networks = folds.map((fold) =>
    tuneTrial(`network of fold ${fold}`, plain, setup, {
      seed,
      budget: setup.epochs,
      measured: 'held',
      fold: foldAt(fold),
    }),
  )
  const trained = await resultsOf(networks, means)
  if (!trained) return undefined
  const accuracies = trained.map((entry) => scoreOf(entry))
  if (accuracies.includes(null))
    throw new Error('search: the network of a fold diverged. Use a smaller learning rate.')
  say(`Networks ${accuracies.map((each) => percent(each!)).join(', ')} on held-out images`)

  const space = densitySpace(subPolicies)
  const random = createRandom(seed).fork('density')
  const histories: Candidate[][] = folds.map(() => [])
  for (let round = 0; round < plan.rounds; round++) {
    const trials = folds.map((fold): Trial[] => {
      const history = histories[fold]!
      const first = history.length
      for (let i = 0; i < perRound; i++) {
        const own = random.fork(`fold ${fold}`).at(history.length)
        history.push({ configuration: proposeConfiguration(space, history, own) })
      }
      return Array.from({ length: perRound / perTrial }, (_, i): Trial => {
        const from = first + i * perTrial
        const candidates = history.slice(from, from + perTrial)
        const config: DensityConfig = {
          arm: `candidates ${from} to ${from + perTrial - 1} of fold ${fold}`,
          bag: plain,
          setup,
          fold: foldAt(fold),
          first: from,
          candidates: candidates.map(({ configuration }) => policyOf(configuration)),
        }
        return trialOf({
          kind: 'density',
          config: config as unknown as Json,
          seed,
          budget: setup.epochs,
          from: networks[fold]!.id,
        })
      })
    })
    const entries = await resultsOf(trials.flat(), means)
    if (!entries) return undefined
    const results = entries.map((entry) => entry.outcome!.metrics as unknown as DensityMetrics)
    for (const fold of folds) {
      const own = results
        .slice((fold * perRound) / perTrial, ((fold + 1) * perRound) / perTrial)
        .flatMap(({ candidates }) => candidates)
      const known = histories[fold]!.slice(0, -perRound)
      const fresh = histories[fold]!.slice(-perRound)
      histories[fold] = [
        ...known,
        ...fresh.map((each, i) => ({ ...each, score: own[i]![reward], result: own[i]! })),
      ]
    }
    const scores = histories.flatMap((history) =>
      history.slice(-perRound).map((each) => each.score!),
    )
    say(`Round ${String(round + 1).padStart(3)}/${plan.rounds}  ${bestAndMean(scores)}`)
  }
  for (const { id } of networks) forget(storage, id)

  const kept = Math.max(1, Math.round((plan.rounds * perRound) / keptOf))
  const policy = mergePolicies(
    histories.flatMap((history) =>
      history
        .toSorted((a, b) => b.score! - a.score!)
        .slice(0, kept)
        .map(({ configuration }) => policyOf(configuration)),
    ),
  )
  if (policy.length === 0)
    throw new Error('search: every sub-policy uses one operation twice. Use a larger budget.')
  return {
    call: policyCall(policy),
    text:
      `${plan.text}; the ${kept === 1 ? 'best one' : `${kept} best`} of each fold have ${policy.length} different sub-policies. ` +
      `Reward: ${reward === 'mean' ? 'mean accuracy over all augmented copies' : 'the best of five copies of each image'}.`,
    tried: {
      folds: folds.map((fold) => ({
        accuracy: accuracies[fold]!,
        candidates: histories[fold]!.map(({ configuration, result }) => ({
          policy: policyOf(configuration) as unknown as Json,
          ...result!,
        })),
      })),
    },
  }
}
