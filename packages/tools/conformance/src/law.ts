import type { BatchShape, Trick } from '@tricks/core'

/** Information about a trick that the kit can't derive. */
export interface ConformanceOptions {
  /** Law 8: calls that must throw, as in `() => cutout({ length: -3 })`. */
  readonly invalid?: readonly (() => unknown)[]
  /**
   * Law 9: throws unless the draws of many steps have the reference's distribution; required if a trick makes draws. A
   * draw is the result of `images.draw` or `mix.draw`; for other hooks that draw, the values that they compute, by
   * name.
   */
  readonly distribution?: (draws: readonly never[], shape: BatchShape) => void
  /** Law 9: modifications of a draw that `distribution` must detect, by description, as in 'one pixel down'. */
  readonly shifted?: Readonly<Record<string, (params: never, step: number) => unknown>>
  /** Law 4: the output height and width, if the trick changes them. */
  readonly outputSize?: (height: number, width: number) => readonly [number, number]
  /** Backends to skip, each with its reason, which is printed. */
  readonly without?: Readonly<Record<string, string>>
}

/** The trick under test. */
export interface Subject {
  readonly name: string
  readonly make: () => Trick
  readonly options: ConformanceOptions
}

export interface Law {
  /** The law's number in the list. */
  readonly number: number
  readonly title: string
  /** Whether the law is applicable. */
  applies(subject: Subject): boolean
  /**
   * Checks a trick on the current backend.
   *
   * @throws Error with the smallest case that breaks the law, and how to fix it
   */
  check(subject: Subject): Promise<void>
}

/** Wraps a law so that its errors start with the trick's name. */
export function law(
  number: number,
  title: string,
  check: (subject: Subject) => Promise<void> | void,
  applies: (subject: Subject) => boolean = () => true,
): Law {
  return {
    number,
    title,
    applies,
    async check(subject) {
      try {
        await check(subject)
      } catch (error) {
        throw reworded(error, `${subject.name} breaks law ${number}: ${messageOf(error)}`)
      }
    },
  }
}

/** An error with another message and the original stack, which may lead into a trick's hook. */
export function reworded(error: unknown, words: string): Error {
  const result = new Error(words)
  const frames = error instanceof Error && /\n\s+at [^]*/.exec(error.stack ?? '')
  if (frames) result.stack = `Error: ${words}${frames[0]}`
  return result
}

/** An error's message without a final full stop, to be continued. */
export const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\.$/, '')

/** Formats a value briefly. */
export function show(value: unknown): string {
  const text = ArrayBuffer.isView(value)
    ? `[${Array.from(value as Float32Array).join(',')}]`
    : typeof value === 'number'
      ? String(value)
      : (JSON.stringify(value) ?? String(value))
  return text.length > 100 ? `${text.slice(0, 97)}…` : text
}

/** Whether two values of JSON and typed arrays are bit-equal. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (!isRecord(a) || !isRecord(b)) return false
  const keys = Object.keys(a)
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => same(a[key], b[key]))
  )
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** A number rounded to digits on which backends agree. */
export const short = (value: number): string => String(Number(value.toPrecision(4)))

/** Formats a count: '3 tensors', '1 tensor'. */
export const count = (amount: number, noun: string): string =>
  `${amount} ${noun}${amount === 1 ? '' : 's'}`
