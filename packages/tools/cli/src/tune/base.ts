import { type Trick } from '@tricks/core'
import { keyOf } from '@tricks/core/run'
import { type Recipe, type RecipeData, tricksOf } from '@tricks/run'
import { dryContext } from '../recipes/dry.ts'
import { callOf, type Call, warmupEntry } from './bag.ts'
import { catalogue, type Entry, optimizers } from './catalogue.ts'

/** A recipe in the catalogue's terms, from which the search starts. */
export interface Base {
  readonly batchSize: number
  /** Undefined if it is not in the catalogue; it is not varied then. */
  readonly optimizer?: Call
  /** The highest rate; with a warm-up, the one at its end. */
  readonly peak: number
  readonly tricks: readonly Call[]
  readonly warmup?: Call
  readonly schedule?: Call
  /** Tricks that are not in the catalogue, and are not varied. */
  readonly kept: readonly Trick[]
}

/** Reads a recipe; requires a backend. */
export function baseOf(recipe: Recipe, facts: RecipeData): Base {
  const list = tricksOf(recipe, dryContext(recipe, facts))
  const tricks: Call[] = []
  const kept: Trick[] = []
  let warm: Call | undefined
  let schedule: Call | undefined
  for (const trick of list) {
    const after = trick.tricks?.[0]
    const [own, next] = trick.name === 'warmup' ? [warmupEntry, after] : [entryOf(trick), undefined]
    const follow = next && entryOf(next)
    if (!own || trick.key !== undefined || (next && !follow)) kept.push(trick)
    else if (own === warmupEntry) {
      warm = callOf(own, trick.options as object)
      schedule = next && callOf(follow!, next.options as object)
    } else if (own.group === 'schedule') schedule = callOf(own, trick.options as object)
    else tricks.push(callOf(own, trick.options as object))
  }
  const optimizer = recipe.optimizer()
  const config = optimizer.getConfig() as Record<string, number | boolean>
  const known = optimizers.find(({ classes }) => classes.includes(optimizer.getClassName()))
  optimizer.dispose()
  const { learningRate, useNesterov: nesterov = config['nesterov'], ...rest } = config
  const multiplier = (warm?.options['multiplier'] as number | undefined) ?? 1
  return {
    batchSize: Math.min(recipe.batchSize, facts.images),
    ...(known && { optimizer: callOf(known, { ...rest, learningRate, nesterov }) }),
    peak: (learningRate as number) * multiplier,
    tricks,
    ...(warm && { warmup: warm }),
    ...(schedule && { schedule }),
    kept,
  }
}

/** The entry of the catalogue with these options. */
function entryOf({ name, options }: Trick): Entry | undefined {
  const found = catalogue.find((entry) => entry.name === name)
  if (!found) return undefined
  try {
    found.make(options as Record<string, unknown>)
    return found
  } catch {
    return undefined
  }
}

/** The keys of the unchanged tricks. */
export const keptKeys = ({ kept }: Base): string[] => kept.map(keyOf)
