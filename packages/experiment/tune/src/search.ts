import type { Random } from '@tricks/core'
import { divide, type EstimatorOptions, proposeConfiguration, type Tried } from './estimate.ts'
import { type Issued, nextRung, type Rung } from './halving.ts'
import { type Configuration, configure, drawValue, type Space } from './space.ts'

/** A run of a configuration up to a rung's budget. */
export interface Training extends Rung {
  readonly configuration: Configuration
}

/** A run that was started, with its score as in `Issued`. */
export type Given = Training & Issued

export interface SearchOptions extends EstimatorOptions {
  readonly space: Space
  /** Number of rungs. */
  readonly rungs: number
  /** The best 1/factor of each rung's finished candidates advance; default 3. */
  readonly factor?: number
  /** The first candidates, before any is proposed. */
  readonly first?: readonly Configuration[]
  /**
   * The probability of keeping a parameter's value, by its name, from one of the best configurations so far; default 0, so
   * that all values come from the estimator. The estimator proposes each parameter independently of the others, which in a
   * large space enables too many tricks at once.
   */
  readonly keep?: (name: string) => number
  /** From `createRandom`: the n-th candidate draws from its own stream. */
  readonly random: Random
}

/**
 * The next run of a search: successive halving decides between training a good candidate for longer and a new candidate,
 * which the estimator proposes. A pure function, so a search can be replayed from its results alone.
 *
 * @param given the runs started so far, in order
 * @throws RangeError as `proposeConfiguration` does
 * @example
 * const space = { rate: { min: 1e-3, max: 1, scale: 'log' } } as const
 * const random = createRandom(0)
 * const first = nextTraining([], { space, rungs: 3, random, first: [{ rate: 0.1 }] })
 * const next = nextTraining([{ ...first, score: 0.6 }], { space, rungs: 3, random })
 */
export function nextTraining(given: readonly Given[], options: SearchOptions): Training {
  const { rungs, factor = 3, first = [], random } = options
  const rung = nextRung(given, rungs, factor)
  const known = given.find(({ candidate }) => candidate === rung.candidate) ?? {
    configuration: first[rung.candidate] ?? propose(given, options, random.at(rung.candidate)),
  }
  return { ...rung, configuration: known.configuration }
}

function propose(
  given: readonly Given[],
  { space, keep = () => 0, ...estimator }: SearchOptions,
  random: Random,
): Configuration {
  const history = historyOf(given)
  const proposal = proposeConfiguration(space, history, random, estimator)
  const { good } = divide(history)
  if (good.length === 0) return proposal
  const own = random.fork('keep')
  const parent = good[own.integer(0, good.length)]!.configuration
  return configure(space, (name, parameter) => {
    const stream = own.fork(name)
    const keeps = name in parent && stream.uniform() < keep(name)
    return keeps ? parent[name]! : (proposal[name] ?? drawValue(parameter, stream))
  })
}

/**
 * The candidates with their scores, in the order in which they were first started. As in Optuna's ranking of pruned
 * trials, a candidate on a higher rung counts as better than all on lower ones, and a failed one as worse than all.
 *
 * @example
 * const configuration = { rate: 0.1 }
 * historyOf([{ candidate: 0, rung: 1, configuration, score: 0.6 }]) // [{ configuration, score: 1.6 }]
 */
export function historyOf(given: readonly Given[]): Tried[] {
  const best = new Map<number, { configuration: Configuration; score?: number }>()
  for (const { candidate, rung, configuration, score } of given) {
    const earlier = best.get(candidate)
    const own = score === undefined ? earlier?.score : score === null ? -1 : rung + score
    best.set(candidate, { configuration, ...(own !== undefined && { score: own }) })
  }
  return [...best.values()]
}
