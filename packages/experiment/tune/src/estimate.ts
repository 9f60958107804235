import type { Random } from '@tricks/core'
import { parzen } from './parzen.ts'
import {
  type Configuration,
  type Space,
  type Value,
  checkSpace,
  configure,
  drawConfiguration,
} from './space.ts'

/** A configuration that was tried. */
export interface Tried {
  readonly configuration: Configuration
  /** Higher is better, for example an accuracy on validation data. Omitted while it runs. */
  readonly score?: number
}

export interface EstimatorOptions {
  /** Number of random configurations at the start; default 10. */
  readonly startup?: number
  /** Number of candidates drawn per parameter; the best is used. Default 24. */
  readonly candidates?: number
}

/** How many of n scored configurations count as good: a tenth, rounded up, at most 25. */
export const goodCount = (n: number): number => Math.min(Math.ceil(0.1 * n), 25)

/**
 * Proposes a configuration by a tree-structured Parzen estimator.
 *
 * The scored configurations are divided into the best tenth and the rest. For each parameter, l estimates its density
 * among the best and g among the rest, where configurations that are still running count as the rest, so that workers
 * try different ones. Of candidates drawn from l, the one with the largest l/g is taken: the expected improvement grows with it.
 * A parameter is estimated from the configurations in which it exists.
 *
 * @param space the parameters; one with `when` exists only where its condition holds
 * @param history the configurations so far, oldest first
 * @param random by `createRandom`: the same seed and history give the same proposal
 * @throws RangeError for an invalid space, or a score that is NaN
 * @example
 * const space = { rate: { min: 1e-3, max: 1, scale: 'log' }, flip: { choices: [true, false] } } as const
 * const history = [{ configuration: { rate: 0.1, flip: true }, score: 0.65 }]
 * const configuration = proposeConfiguration(space, history, createRandom(1))
 * @see Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization"
 * @see Watanabe 2023, https://arxiv.org/abs/2304.11127; details as in Optuna 5.0
 */
export function proposeConfiguration(
  space: Space,
  history: readonly Tried[],
  random: Random,
  { startup = 10, candidates = 24 }: EstimatorOptions = {},
): Configuration {
  checkSpace(space)
  if (history.some(({ score }) => Number.isNaN(score)))
    throw new RangeError('tune: expected each score to be a number, got NaN')
  const scored = history.filter(({ score }) => score !== undefined)
  if (scored.length < startup) return drawConfiguration(space, random)

  const { good, rest } = divide(history)
  return configure(space, (name, parameter) => {
    const own = random.fork(name)
    const l = parzen(parameter, valuesOf(name, good))
    const g = parzen(parameter, valuesOf(name, rest))
    const drawn = Array.from({ length: candidates }, (_, i) => l.draw(own.at(i)))
    return best(drawn, (value) => l.logDensity(value) - g.logDensity(value))
  })
}

/** Divides the history into the best tenth and the rest, which includes running ones; each is oldest first. */
export function divide(history: readonly Tried[]): {
  readonly good: readonly Tried[]
  readonly rest: readonly Tried[]
} {
  const scored = history.filter(({ score }) => score !== undefined)
  const ranked = scored.toSorted((a, b) => b.score! - a.score!)
  const chosen = new Set(ranked.slice(0, goodCount(scored.length)))
  return {
    good: history.filter((each) => chosen.has(each)),
    rest: history.filter((each) => !chosen.has(each)),
  }
}

function valuesOf(name: string, tried: readonly Tried[]): Value[] {
  return tried.flatMap(({ configuration }) => (name in configuration ? [configuration[name]!] : []))
}

function best(values: readonly Value[], scoreOf: (value: Value) => number): Value {
  const scores = values.map(scoreOf)
  return values[scores.indexOf(Math.max(...scores))]!
}
