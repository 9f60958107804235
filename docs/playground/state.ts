// Stores the playground's state in the page's address, so that a link restores it.
import type { Entry } from './catalogue.ts'

/** A trick in the list, with the options that differ from its start. */
export interface Item {
  readonly factory: string
  readonly options: Readonly<Record<string, unknown>>
}

export interface State {
  readonly tricks: readonly Item[]
  readonly seed: number
  readonly step: number
}

const whole = (text: string | null): number => {
  const value = Number(text ?? 0)
  return Number.isInteger(value) && value >= 0 && value < 2 ** 32 ? value : 0
}

/**
 * The state as the part of an address after '#'.
 *
 * @example
 * toAddress({ tricks: [{ factory: 'cutout', options: { length: 8 } }], seed: 1, step: 0 })
 * // 'tricks=cutout%7B"length"%3A8%7D…'
 */
export function toAddress({ tricks, seed, step }: State): string {
  const list = tricks.map(({ factory, options }) =>
    Object.keys(options).length > 0 ? [factory, options] : [factory],
  )
  return new URLSearchParams({
    tricks: JSON.stringify(list),
    seed: String(seed),
    step: String(step),
  }).toString()
}

/**
 * Reads a state from an address; null if the address has none. Tricks that don't exist are left out, as a link may be
 * older than the site.
 */
export function fromAddress(address: string, entries: readonly Entry[]): State | null {
  const given = new URLSearchParams(address.replace(/^#/, ''))
  const text = given.get('tricks')
  if (text === null) return null
  return {
    tricks: itemsOf(text).filter(({ factory }) => entries.some((each) => each.factory === factory)),
    seed: whole(given.get('seed')),
    step: whole(given.get('step')),
  }
}

function itemsOf(text: string): Item[] {
  try {
    const list = JSON.parse(text) as unknown
    if (!Array.isArray(list)) return []
    return list.flatMap((each: unknown) => {
      const [factory, options = {}] = Array.isArray(each) ? (each as unknown[]) : []
      const valid = typeof factory === 'string' && typeof options === 'object' && options !== null
      return valid ? [{ factory, options: options as Item['options'] }] : []
    })
  } catch {
    return []
  }
}
