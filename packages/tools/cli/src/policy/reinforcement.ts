import { createRandom, type Json } from '@tricks/core'
import type { Policy } from '@tricks/autoaugment'
import { chooseBy, createController, improve, policyOfChoices } from '@tricks/policy-search'
import { metricsOf, scoreOf, tuneTrial } from '../tune/search.ts'
import { augmented, policyCall, randomPolicyCall } from './arms.ts'
import { fewestEpochs, type Found, type Means, type Method, resultsOf } from './method.ts'
import { bestAndMean } from './scores.ts'

/** The number of updates of the controller that a plan aims for: fewer epochs per run allow more. */
const updates = 20
const fewestUpdates = 3
/** The number of best policies that are merged into one of 25 sub-policies, as in the paper. */
const joinedPolicies = 5

/** AutoAugment with a small controller. */
export const reinforcement: Method = {
  title: 'AutoAugment',
  random: randomPolicyCall,
  plan(most, sizes) {
    const { members, epochs: longest } = sizes
    const shortest = fewestEpochs(sizes)
    const own = Math.floor(most / members / updates)
    const epochs = Math.min(longest, Math.max(shortest, own))
    const rounds = Math.max(fewestUpdates, Math.floor(most / members / epochs))
    return {
      epochs,
      rounds,
      cost: rounds * members * epochs,
      text: `${rounds} times ${members} policies, each trained for ${epochs} epochs`,
    }
  },
  search: searchReinforced,
}

/**
 * Trains a network with each policy of a controller, and improves the controller with their accuracy on validation images. The
 * controller is computed from all results so far.
 *
 * @returns the sub-policies of the best five policies; undefined if interrupted
 */
async function searchReinforced(means: Means): Promise<Found | undefined> {
  const { setup, bag, plan, members, seed, say } = means
  const random = createRandom(seed).fork('reinforcement')
  let controller = createController(random.fork('weights'))
  const tried: {
    readonly policy: Policy
    readonly accuracy: number | null
    readonly rest: Json
  }[] = []
  for (let round = 0; round < plan.rounds; round++) {
    const choices = Array.from({ length: members }, (_, i) =>
      chooseBy(controller, random.fork('choices').at(round * members + i)),
    )
    const policies = choices.map(policyOfChoices)
    const trials = policies.map((policy, i) =>
      tuneTrial(`policy ${i}, round ${round}`, augmented(bag, policyCall(policy)), setup, {
        seed,
        budget: setup.epochs,
        measured: 'validation',
      }),
    )
    const entries = await resultsOf(trials, means)
    if (!entries) return undefined
    const scores = entries.map((entry) => scoreOf(entry))
    for (const [i, entry] of entries.entries())
      tried.push({
        policy: policies[i]!,
        accuracy: scores[i]!,
        rest: { id: entry.trial.id, round, wallClock: { ...metricsOf(entry)!.wallClock } },
      })
    controller = improve(
      controller,
      scores.map((score, i) => ({ choices: choices[i]!, reward: score ?? 0 })),
    )
    say(`Round ${String(round + 1).padStart(3)}/${plan.rounds}  ${bestAndMean(scores)}`)
  }
  const best = tried
    .filter(({ accuracy }) => accuracy !== null)
    .toSorted((a, b) => b.accuracy! - a.accuracy!)
    .slice(0, joinedPolicies)
  if (best.length === 0) throw new Error('search: every run diverged. Use a smaller learning rate.')
  return {
    call: policyCall(best.flatMap(({ policy }) => policy)),
    text: `${plan.text}. The policy has the sub-policies of the best ${best.length}.`,
    tried: {
      policies: tried.map(({ policy, accuracy, rest }) => ({
        policy: policy as unknown as Json,
        accuracy,
        ...(rest as object),
      })),
    },
  }
}
