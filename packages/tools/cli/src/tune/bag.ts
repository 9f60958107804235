import type * as tf from '@tensorflow/tfjs-core'
import type { Json, Trick } from '@tricks/core'
import { scheduledAugment, scheduledAugmentOptions } from '@tricks/policy-search'
import { warmup, warmupOptions } from '@tricks/warmup'
import { catalogue, type Entry, optimizers } from './catalogue.ts'

/** A trick or an optimizer of the catalogue, as JSON. */
export interface Call {
  readonly name: string
  /** The options that differ from the defaults. */
  readonly options: Readonly<Record<string, Json>>
  /** The schedule that follows a warm-up. */
  readonly after?: Call
}

/** The parts of a recipe that `tune` varies, as JSON. */
export interface Bag {
  readonly batchSize: number
  /** Undefined: the recipe's own. */
  readonly optimizer?: Call
  /** Tricks of the catalogue, and the keys of the recipe's tricks that are not in the catalogue. */
  readonly tricks: readonly (Call | { readonly kept: string })[]
}

export const isKept = (part: Bag['tricks'][number]): part is { readonly kept: string } =>
  'kept' in part

/** A warm-up is not an alternative: it precedes the schedule. */
export const warmupEntry: Entry = {
  name: 'warmup',
  module: 'warmup',
  make: warmup as unknown as Entry['make'],
  declared: warmupOptions,
  start: { multiplier: 8, over: { fraction: 0.1 } },
  fixed: [],
}

/** Needs a schedule that a search found. */
export const scheduledEntry: Entry = {
  name: 'scheduled-augment',
  module: 'policy-search',
  make: scheduledAugment as unknown as Entry['make'],
  declared: scheduledAugmentOptions,
  start: {},
  fixed: [],
}

const entries = new Map<string, Entry<unknown>>(
  [...catalogue, warmupEntry, scheduledEntry, ...optimizers].map((each) => [each.name, each]),
)

/**
 * Finds an entry of the catalogue.
 *
 * @throws Error if there is none of that name, as in a call from another version
 */
export function entryNamed(name: string): Entry<unknown> {
  const found = entries.get(name)
  if (!found) throw new Error(`tune: there is no ${name} in this version`)
  return found
}

/** A call with the options that differ from the declared defaults. */
export function callOf({ name, declared }: Entry<unknown>, options: object, after?: Call): Call {
  const different = Object.entries(options)
    .map(([key, value]) => [key, rounded(value)] as const)
    .filter(
      ([key, value]) =>
        value !== undefined &&
        key in declared.kinds &&
        JSON.stringify(value) !== JSON.stringify(declared.kinds[key]!.default),
    )
  const own = Object.fromEntries(different) as Call['options']
  return { name, options: own, ...(after && { after }) }
}

/** Rounds to four digits, as a person would write; more make no difference. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number')
    return Number.isInteger(value) ? value : Number(value.toPrecision(4))
  const { fraction } = Object(value) as { readonly fraction?: number }
  return fraction === undefined ? value : { fraction: Number(fraction.toPrecision(4)) }
}

/** Makes a trick. */
export const makeTrick = ({ name, options, after }: Call): Trick =>
  entryNamed(name).make({ ...options, ...(after && { after: makeTrick(after) }) }) as Trick

/** Makes an optimizer. */
export const makeOptimizer = ({ name, options }: Call): tf.Optimizer =>
  entryNamed(name).make(options) as tf.Optimizer
