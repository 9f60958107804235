import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import type { Json } from '@tricks/core'

/** A unit of an experiment: a training run, or a part of one. */
export interface Trial {
  /** A hash of the other fields. The same trial has the same id in every process, so adding it twice has no effect. */
  readonly id: string
  /** Selects the worker's program that trains it. */
  readonly kind: string
  readonly config: Json
  readonly seed: number
  /** How long to train, in the unit of its kind: epochs or steps. */
  readonly budget: number
  /** The finished trial whose checkpoint it starts from. */
  readonly from?: string
}

/** The result of a trial. */
export interface Outcome {
  readonly metrics: Json
  /** A file that other trials may start from, relative to the storage folder. */
  readonly checkpoint?: string
}

/**
 * Creates a trial with its id: `t-` and 32 digits of the SHA-256 of its other fields, independent of the order of keys
 * in the configuration.
 *
 * @throws TypeError if the configuration contains values that JSON can't represent: NaN, infinities, functions
 * @example
 * const a = trialOf({ kind: 'arm', config: { rate: 0.1, decay: 5e-4 }, seed: 0, budget: 40 })
 * const b = trialOf({ kind: 'arm', config: { decay: 5e-4, rate: 0.1 }, seed: 0, budget: 40 })
 * const same = a.id === b.id // true
 */
export function trialOf(parts: Omit<Trial, 'id'>): Trial {
  const { kind, config, seed, budget, from } = parts
  const whole = { kind, config, seed, budget, ...(from !== undefined && { from }) }
  const digest = createHash('sha256').update(canonical(whole, 'trial')).digest('hex')
  return { id: `t-${digest.slice(0, 32)}`, ...whole }
}

/** JSON with sorted keys. */
function canonical(value: unknown, path: string): string {
  if (Array.isArray(value))
    return `[${value.map((each, i) => canonical(each, `${path}[${i}]`)).join()}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined)
    const parts = entries
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => `${JSON.stringify(key)}:${canonical(each, `${path}.${key}`)}`)
    return `{${parts.join()}}`
  }
  const valid = value === null || ['string', 'boolean'].includes(typeof value)
  if (!valid && !Number.isFinite(value))
    throw new TypeError(`trials: expected ${path} to be JSON, got ${inspect(value)}`)
  return JSON.stringify(value)
}
