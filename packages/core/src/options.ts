import { outOfRange } from './option.ts'
import { type Duration, isDuration } from './time.ts'

export { isDuration }

/**
 * The allowed values of an option, as data: used for checks, the card's table, search ranges and page controls. T is
 * the option's type. Absent is its type when it is left out: T with a default, `undefined` if optional, `never` if
 * required.
 */
export interface Kind<T = unknown, Absent = unknown> {
  readonly type: 'number' | 'integer' | 'boolean' | 'choice' | 'interval' | 'duration' | 'other'
  /** As text: 'a number in [0, 1]'. */
  readonly range: string
  readonly default?: Absent
  readonly optional?: boolean
  /** For numbers. `above` and `below` exclude the bound. */
  readonly min?: number
  readonly max?: number
  readonly above?: number
  readonly below?: number
  /** Scale on which a search or a control steps through numbers; default 'linear'. */
  readonly scale?: 'linear' | 'log'
  /** For a choice. */
  readonly choices?: readonly unknown[]
  accepts(value: unknown): boolean
  /** T, at compile time only. */
  readonly is?: T
}

interface Default<T> {
  readonly default?: T
}
type AbsentOf<O, T> = O extends { readonly default: T } ? T : never

export interface Bounds extends Default<number> {
  readonly min?: number
  readonly max?: number
  readonly above?: number
  readonly below?: number
  readonly scale?: 'linear' | 'log'
}

function within({ min = -Infinity, max = Infinity, above = -Infinity, below = Infinity }: Bounds) {
  return (value: unknown): boolean =>
    typeof value === 'number' && value >= min && value <= max && value > above && value < below
}

function bounds(noun: string, { min, max, above, below }: Bounds): string {
  const [low, high] = [min ?? above, max ?? below]
  if (low === undefined && high === undefined) return noun
  if (low === undefined) return `${noun} ${max === undefined ? 'below' : 'of at most'} ${high}`
  if (high !== undefined)
    return `${noun} in ${min === undefined ? '(' : '['}${low}, ${high}${max === undefined ? ')' : ']'}`
  if (noun === 'an integer' && min === 1) return 'a positive integer'
  return min === undefined ? `${noun} above ${low}` : `${noun} of at least ${low}`
}

/** A finite number. */
/* @__NO_SIDE_EFFECTS__ */
export const number = <const O extends Bounds>(given: O): Kind<number, AbsentOf<O, number>> => ({
  ...(given as object),
  type: 'number',
  range: bounds('a number', given),
  accepts: (value) => Number.isFinite(value) && within(given)(value),
})

/** An integer that a float64 represents exactly. */
/* @__NO_SIDE_EFFECTS__ */
export const integer = <const O extends Bounds>(given: O): Kind<number, AbsentOf<O, number>> => ({
  ...(given as object),
  type: 'integer',
  range: bounds('an integer', given),
  accepts: (value) => Number.isSafeInteger(value) && within(given)(value),
})

/* @__NO_SIDE_EFFECTS__ */
export const boolean = <const O extends Default<boolean>>(
  given: O,
): Kind<boolean, AbsentOf<O, boolean>> => ({
  ...(given as object),
  type: 'boolean',
  range: 'true or false',
  accepts: (value) => typeof value === 'boolean',
})

type Choice = string | Kind<unknown, never>
type ChoiceOf<C> = C extends Kind<infer T, never> ? T : C

const isKind = (choice: unknown): choice is Kind => typeof choice === 'object'

/** One of several strings, or a value of one of several kinds. */
/* @__NO_SIDE_EFFECTS__ */
export const choice = <
  const C extends readonly Choice[],
  const O extends Default<ChoiceOf<C[number]>>,
>(
  choices: C,
  given: O = {} as O,
): Kind<ChoiceOf<C[number]>, AbsentOf<O, ChoiceOf<C[number]>>> => {
  const words = choices.map((each) => (isKind(each) ? each.range : `'${each}'`))
  return {
    ...(given as object),
    type: 'choice',
    range: [words.slice(0, -1).join(', '), words.at(-1)].filter(Boolean).join(' or '),
    choices,
    accepts: (value) =>
      choices.some((each) => (isKind(each) ? each.accepts(value) : each === value)),
  }
}

/** A pair [low, high] within bounds, low at most high. */
/* @__NO_SIDE_EFFECTS__ */
export const interval = <
  const O extends Bounds | (Omit<Bounds, 'default'> & Default<readonly [number, number]>),
>(
  given: O,
): Kind<readonly [number, number], AbsentOf<O, readonly [number, number]>> => ({
  ...(given as object),
  type: 'interval',
  range: `a pair [low, high], low ≤ high, each ${bounds('a number', given as Bounds)}`,
  accepts: (value) =>
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((each) => Number.isFinite(each) && within(given as Bounds)(each)) &&
    value[0] <= value[1],
})

/** A training duration: `{ steps }`, `{ epochs }` or `{ fraction }`. With `above: 0` it must not be empty. */
/* @__NO_SIDE_EFFECTS__ */
export const duration = <const O extends Default<Duration> & { readonly above?: 0 }>(
  given: O = {} as O,
): Kind<Duration, AbsentOf<O, Duration>> => ({
  ...(given as object),
  type: 'duration',
  range: `one of { steps }, { epochs } and { fraction }${given.above === 0 ? ', above 0' : ''}`,
  accepts: (value) => isDuration(value) && !(given.above === 0 && Object.values(value)[0] === 0),
})

/** Any value that a function accepts; `range` describes the accepted values. */
/* @__NO_SIDE_EFFECTS__ */
export const checked = <T, const O extends Default<T> = Default<T>>(
  range: string,
  accepts: (value: unknown) => boolean,
  given: O = {} as O,
): Kind<T, AbsentOf<O, T>> => ({ ...(given as object), type: 'other', range, accepts })

/** An option that may be left out, with a meaning that no value expresses. */
/* @__NO_SIDE_EFFECTS__ */
export const optional = <T>(kind: Kind<T, never>): Kind<T, undefined> => ({
  ...kind,
  optional: true,
  default: undefined,
})

type Kinds = Readonly<Record<string, Kind>>
type Required<K> = {
  [P in keyof K]: K[P] extends Kind<infer _, infer A> ? ([A] extends [never] ? P : never) : never
}[keyof K]
type TypeOf<K> = K extends Kind<infer T, infer _> ? T : never
type GivenOf<K> = { readonly [P in Required<K>]: TypeOf<K[P]> } & {
  readonly [P in Exclude<keyof K, Required<K>>]?: TypeOf<K[P]>
}
/** What every trick accepts besides its options. */
export interface Keyed {
  /** Distinguishes two tricks of the same kind; the trick's draws depend on it. */
  readonly key?: string
}
type ParsedOf<K> = {
  readonly [P in keyof K]: K[P] extends Kind<infer T, infer A> ? T | A : never
}

/** Declared options; More is accepted in addition, such as a trick's key. */
export interface OptionSet<K, More = Keyed> {
  readonly name: string
  readonly kinds: K
  /** Whether a `key` is accepted too, as for a trick. */
  readonly keyed: boolean
  /**
   * The options with their defaults.
   *
   * @throws RangeError naming the trick, option, range and value; for an unknown option it lists the known ones
   */
  parse(given?: GivenOf<K> & More): ParsedOf<K>
}

/** The options of a factory, or the parameters of a function. */
export type OptionsOf<S> = S extends OptionSet<infer K, infer More> ? GivenOf<K> & More : never

/**
 * Declares a trick's options once, as data. The comment on each option is its description, which editors show.
 *
 * @param name the trick's name, the prefix of error messages
 * @example
 * const options = defineOptions('dim', { strength: number({ min: 0, max: 1, default: 0.2 }) })
 * options.parse({}) // { strength: 0.2 }
 */
/* @__NO_SIDE_EFFECTS__ */
export const defineOptions = <const K extends Kinds>(name: string, kinds: K): OptionSet<K> =>
  declared(name, kinds, true)

/**
 * Declares a function's parameters, as `defineOptions` does for a trick, but without `key`.
 *
 * @param name the prefix of error messages
 * @example
 * const parameters = defineParameters('dim', { rate: number({ above: 0 }), steps: integer({ min: 1 }) })
 * parameters.parse({ rate: 0.1, steps: 5 }) // { rate: 0.1, steps: 5 }
 */
/* @__NO_SIDE_EFFECTS__ */
export const defineParameters = <const K extends Kinds>(
  name: string,
  kinds: K,
): OptionSet<K, unknown> => declared(name, kinds, false)

function declared<K extends Kinds, More>(
  name: string,
  kinds: K,
  keyed: boolean,
): OptionSet<K, More> {
  return {
    name,
    kinds,
    keyed,
    parse(given = {} as GivenOf<K> & More) {
      if (Object(given) !== given) throw outOfRange(name, 'options', 'an object', given)
      const known = [...Object.keys(kinds), ...(keyed ? ['key'] : [])]
      for (const option of Object.keys(given))
        if (!known.includes(option))
          throw outOfRange(name, 'options', `some of ${known.join(', ')}`, option)
      const parsed = Object.entries(kinds).map(([option, kind]) => {
        const own = (given as Readonly<Record<string, unknown>>)[option]
        const value = own === undefined ? kind.default : own
        if (!(value === undefined && kind.optional) && !kind.accepts(value))
          throw outOfRange(name, option, kind.range, value)
        return [option, value]
      })
      return Object.fromEntries(parsed) as ParsedOf<K>
    },
  }
}
