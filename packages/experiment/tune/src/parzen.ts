// A Parzen estimator of one parameter: a mixture with one component per observation, and a wide one for untried values.
// As in Optuna 5.0 (TPESampler, univariate).
import type { Random } from '@tricks/core'
import { logDensity, logMass, truncatedQuantile } from './normal.ts'
import {
  type Choices,
  type NumberRange,
  type Parameter,
  type Value,
  isChoice,
  onGrid,
  scaleOf,
} from './space.ts'

export interface Estimator {
  /** log of the density at a value; for a choice or a stepped range, of its probability. */
  logDensity(value: Value): number
  draw(random: Random): Value
}

/** Weights of n observations, oldest first, and of the prior: the newest 25 count fully, older ones less. */
export function componentWeights(n: number): number[] {
  const ramp = n - 25
  const weights = Array.from({ length: n }, (_, i) => {
    if (i >= ramp) return 1
    return ramp === 1 ? 1 / n : 1 / n + ((1 - 1 / n) * i) / (ramp - 1)
  })
  const all = [...weights, 1]
  const total = all.reduce((sum, weight) => sum + weight, 0)
  return all.map((weight) => weight / total)
}

/** Estimates the distribution of a parameter from its observed values, oldest first. */
export function parzen(parameter: Parameter, observed: readonly Value[]): Estimator {
  return isChoice(parameter)
    ? overChoices(parameter, observed)
    : overNumbers(parameter, observed as readonly number[])
}

function overChoices({ choices }: Choices, observed: readonly Value[]): Estimator {
  const weights = componentWeights(observed.length)
  // Each component gives 1 to its own choice, and a share of the prior to every choice.
  const share = 1 / weights.length
  const rows = weights.map((_, i) => {
    const own = i < observed.length ? choices.indexOf(observed[i]!) : -1
    const row = choices.map((__, j) => share + Number(j === own))
    const total = row.reduce((sum, each) => sum + each, 0)
    return row.map((each) => each / total)
  })
  const probabilities = choices.map((_, j) =>
    rows.reduce((sum, row, i) => sum + weights[i]! * row[j]!, 0),
  )
  return {
    logDensity: (value) => Math.log(probabilities[choices.indexOf(value)]!),
    draw: (random) => choices[pick(probabilities, random.uniform())]!,
  }
}

/** The components of a numeric parameter, on its scale; the last is the prior. */
export function numericComponents(
  range: NumberRange,
  observed: readonly number[],
): { readonly means: number[]; readonly deviations: number[] } {
  const { low, high, toScale } = scaleOf(range)
  const means = observed.map(toScale)
  const order = means.map((_, i) => i).toSorted((i, j) => means[i]! - means[j]!)
  const sorted = [low, ...order.map((i) => means[i]!), high]
  // The width is the distance to the farther neighbour; the ends of the range count only for a single observation.
  const gaps = sorted.slice(1).map((next, i) => next - sorted[i]!)
  const widths = order.map((_, i) => {
    if (order.length > 1 && i === 0) return gaps[1]!
    if (order.length > 1 && i === order.length - 1) return gaps[i]!
    return Math.max(gaps[i]!, gaps[i + 1]!)
  })
  const narrowest = (high - low) / Math.min(100, 2 + observed.length)
  const deviations = means.map(() => 0)
  for (const [i, index] of order.entries())
    deviations[index] = Math.min(high - low, Math.max(narrowest, widths[i]!))
  return { means: [...means, (low + high) / 2], deviations: [...deviations, high - low] }
}

function overNumbers(range: NumberRange, observed: readonly number[]): Estimator {
  const { low, high, toScale, fromScale } = scaleOf(range)
  const { means, deviations } = numericComponents(range, observed)
  const weights = componentWeights(observed.length)
  const component = (i: number) => {
    const [mean, deviation] = [means[i]!, deviations[i]!]
    const standard = (x: number): number => (x - mean) / deviation
    return { mean, deviation, standard, a: standard(low), b: standard(high) }
  }
  const { step } = range
  return {
    logDensity(value) {
      const x = value as number
      const terms = weights.map((weight, i) => {
        const { deviation, standard, a, b } = component(i)
        if (step === undefined)
          return Math.log(weight) + logDensity(standard(toScale(x)), a, b) - Math.log(deviation)
        const [from, to] = [x - step / 2, x + step / 2].map((each) => standard(toScale(each)))
        return Math.log(weight) + logMass(from!, to!) - logMass(a, b)
      })
      return logSum(terms)
    },
    draw(random) {
      const { mean, deviation, a, b } = component(pick(weights, random.uniform()))
      const z = truncatedQuantile(random.uniform(), a, b)
      return onGrid(range, fromScale(mean + deviation * z))
    },
  }
}

/** The index that a number in [0, 1) falls on. */
function pick(probabilities: readonly number[], at: number): number {
  let sum = 0
  const index = probabilities.findIndex((probability) => at < (sum += probability))
  return index < 0 ? probabilities.length - 1 : index
}

function logSum(terms: readonly number[]): number {
  const largest = Math.max(...terms)
  return largest + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - largest), 0))
}
