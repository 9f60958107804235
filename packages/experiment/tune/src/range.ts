import type { Kind } from '@tricks/core/options'
import type { NumberRange, Parameter } from './space.ts'

/** On a logarithmic scale, the range is this many times smaller and larger than the start. */
const factor = 10
/** On a linear scale, the range is this many times as far from the nearer bound. */
const times = 3

/**
 * The range in which an option is searched, computed from its declared scale and bounds, and the value in use. On a
 * logarithmic scale, it is from a tenth to ten times the start; on a linear one, up to three times as far from the
 * nearer bound; booleans and lists of words are searched entirely.
 *
 * @param kind the declared option
 * @param start the value in use; default the declared default
 * @returns undefined if the declaration gives no range: lists, functions, optional values, 0 on a logarithmic scale
 * @example
 * import { number } from '@tricks/core/options'
 *
 * const range = searchRange(number({ min: 0, max: 1e6, scale: 'log', default: 5e-4 })) // 5e-5 to 5e-3
 */
export function searchRange(kind: Kind, start: unknown = kind.default): Parameter | undefined {
  if (kind.type === 'boolean') return { choices: [false, true] }
  if (kind.type === 'choice') {
    const words = (kind.choices ?? []).filter((each) => typeof each === 'string')
    return words.length > 1 && words.includes(start as string) ? { choices: words } : undefined
  }
  if (kind.type === 'duration') return fractionRange(start)
  if (typeof start !== 'number') return undefined
  if (kind.type === 'integer') return integerRange(kind, start)
  if (kind.type !== 'number') return undefined
  const range = kind.scale === 'log' ? logarithmic(kind, start) : linear(kind, start)
  return range && range.min < range.max ? range : undefined
}

/** A duration as a share of the run. */
function fractionRange(start: unknown): NumberRange | undefined {
  const { fraction } = Object(start) as { readonly fraction?: number }
  if (fraction === undefined || fraction <= 0 || fraction >= 1) return undefined
  return linear({ above: 0, below: 1 }, fraction)
}

type Bounds = Pick<Kind, 'min' | 'max' | 'above' | 'below'>

function logarithmic({ min, max, above, below }: Bounds, start: number): NumberRange | undefined {
  if (!(start > 0)) return undefined
  const low = Math.max(start / factor, min ?? 0, above === undefined ? 0 : above + start / 100)
  const high = Math.min(start * factor, max ?? Infinity, below ?? Infinity)
  return { min: tidy(low), max: tidy(high), scale: 'log' }
}

function linear({ min, max, above, below }: Bounds, start: number): NumberRange | undefined {
  const [floor, ceiling] = [min ?? above ?? 0, max ?? below ?? Infinity]
  const [up, down] = [start - floor, ceiling - start]
  if (up <= 0 && down <= 0) return undefined
  // Close to the upper bound, as for a momentum of 0.9, the distance to the bound matters.
  if (down > 0 && down < up / 2) {
    return {
      min: tidy(Math.max(floor, ceiling - times * down)),
      max: tidy(ceiling - down / factor),
    }
  }
  if (up <= 0) return undefined
  const low = min === undefined && above !== undefined ? floor + up / factor : floor
  const high = Math.min(floor + times * up, below === undefined ? ceiling : ceiling - down / factor)
  return { min: tidy(low), max: tidy(high) }
}

/** Rounds away the last digits of a product. */
const tidy = (value: number): number => Number(value.toPrecision(12))

function integerRange({ min = 0, max = Infinity }: Bounds, start: number): NumberRange | undefined {
  const low = Math.max(min, Math.ceil(start / 4))
  const high = Math.min(max, Math.max(2 * start, start + 3))
  return low < high ? { min: low, max: high, step: 1 } : undefined
}
