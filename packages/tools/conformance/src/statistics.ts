import { short } from './law.ts'

/** Named values; messages use the name: `{ degrees }`. */
export type Sample<T = number> = Readonly<Record<string, ArrayLike<T>>>
type Category = string | number | boolean | null

/**
 * The probability that a check rejects draws with the right distribution. Seeds are fixed, so it happens once or never.
 */
const falseAlarm = 1e-6
/** The standard normal quantile with that tail probability. */
const deviations = 4.753

/**
 * Checks that values are drawn independently from a continuous distribution, by the largest distance between cumulative
 * distributions (Kolmogorov–Smirnov), with the Dvoretzky–Kiefer–Wolfowitz bound.
 *
 * @param sample a named list of numbers
 * @param cdf the probability that a number is at most x
 * @throws Error if they are not; valid draws are rejected with a probability of about 1e-6
 * @example
 * const lambdas = Array.from({ length: 1000 }, (_, step) => createRandom(1).at(step).beta(2, 2))
 * expectCdf({ lambdas }, (x) => 3 * x ** 2 - 2 * x ** 3)
 * @see Massart 1990, "The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality"
 */
export function expectCdf(sample: Sample, cdf: (x: number) => number): void {
  const [name, values] = numbersOf(sample)
  const size = values.length
  let worst = { distance: 0, at: 0, share: 0, expected: 0 }
  for (const [i, at] of values.toSorted((a, b) => a - b).entries())
    for (const share of [i / size, (i + 1) / size]) {
      const expected = cdf(at)
      const distance = Math.abs(share - expected)
      if (!(distance <= worst.distance)) worst = { distance, at, share, expected }
    }
  const { distance, at, share, expected } = worst
  if (!(distance <= Math.sqrt(Math.log(2 / falseAlarm) / (2 * size))))
    throw new Error(
      `expected ${percent(expected)} of ${size} ${name} to be at most ${short(at)}, got ${percent(share)}`,
    )
  expectEachNew(name, values)
}

/**
 * Checks that numbers are drawn independently and uniformly from [low, high), including both ends.
 *
 * @param sample a named list of numbers
 * @throws Error if they are not; uniform numbers are rejected with a probability of about 1e-6
 * @example
 * const degrees = createRandom(1).images(1000, (image) => image.uniform(-15, 15))
 * expectUniform({ degrees }, -15, 15)
 */
export function expectUniform(sample: Sample, low: number, high: number): void {
  const [name, values] = numbersOf(sample)
  const outside = values.find((value) => !(value >= low && value <= high))
  if (outside !== undefined)
    throw new Error(`expected ${name} in [${low}, ${high}), got ${short(outside)}`)
  // The length of an interval at one end that all values miss with that probability: (1 − part)^size.
  const part = ((high - low) * -Math.log(falseAlarm)) / values.length
  const [least, most] = values.reduce(
    ([min, max], value) => [Math.min(min, value), Math.max(max, value)],
    [Infinity, -Infinity],
  )
  if (least > low + part || most < high - part)
    throw new Error(
      `expected ${values.length} ${name} to range from ${low} to ${high}, got ${short(least)} to ${short(most)}`,
    )
  expectCdf(sample, (x) => (x - low) / (high - low))
}

/**
 * Checks that values are drawn independently, with the given probabilities (Pearson's χ²).
 *
 * @param sample one list of values by its name: numbers, texts, booleans
 * @param probabilities by value, with a sum of 1; other values must not occur
 * @throws Error if they are not; valid draws are rejected with a probability of about 1e-6
 * @example
 * const flips = createRandom(1).images(1000, (image) => image.uniform() < 0.25)
 * expectFrequencies({ flips }, { true: 0.25, false: 0.75 })
 */
export function expectFrequencies(
  sample: Sample<Category>,
  probabilities: Readonly<Record<string, number>>,
): void {
  const [name, values] = valuesOf(sample)
  const sum = Object.values(probabilities).reduce((a, b) => a + b, 0)
  if (!(Math.abs(sum - 1) < 1e-6))
    throw new Error(`expected the probabilities of ${name} to sum to 1, got ${short(sum)}`)
  const counts = countsOf(values)
  for (const [value] of counts)
    if (!(probabilities[value]! > 0))
      throw new Error(`expected ${name} among ${list(Object.keys(probabilities))}, got ${value}`)
  const rows = Object.entries(probabilities)
    .filter(([, probability]) => probability > 0)
    .map(([value, probability]) => ({
      value,
      count: counts.get(value) ?? 0,
      expected: probability * values.length,
    }))
  const common = rows.filter(({ expected }) => expected >= fewest)
  const rare = rows.filter(({ expected }) => expected < fewest)
  // Rare values are combined, as their counts are too small to be approximately normal.
  const rest = rare.reduce(
    (a, b) => ({ ...a, count: a.count + b.count, expected: a.expected + b.expected }),
    { value: 'others', count: 0, expected: 0 },
  )
  const cells = rest.expected >= fewest ? [...common, rest] : common
  if (cells.length === 0) throw new Error(`expected more than ${values.length} ${name} to compare`)
  const off = ({ count, expected }: Cell): number => (count - expected) ** 2 / expected
  const total = cells.reduce((chi, cell) => chi + off(cell), 0)
  if (total > quantile(cells.length)) {
    const worst = cells.reduce((a, b) => (off(b) > off(a) ? b : a))
    throw new Error(
      `expected ${percent(worst.expected / values.length)} of ${values.length} ${name} to be ` +
        `${worst.value}, got ${percent(worst.count / values.length)}`,
    )
  }
  expectEachNew(name, values)
}

/**
 * Equal probabilities for the integers in [low, high), for `expectFrequencies`.
 *
 * @example
 * evenly(0, 4) // { 0: 0.25, 1: 0.25, 2: 0.25, 3: 0.25 }
 */
export const evenly = (low: number, high: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: high - low }, (_, i) => [low + i, 1 / (high - low)]))

/**
 * Checks that two paired lists of values are independent (χ² of their contingency table; lists of
 * more than eight different numbers are divided at their quartiles).
 *
 * @param samples two lists by their names
 * @throws Error if they are not; independent lists are rejected with a probability of about 1e-6
 * @example
 * const offsets = createRandom(1).images(1000, (image) => [image.integer(0, 9), image.integer(0, 9)] as const)
 * expectIndependent({ rows: offsets.map(([row]) => row), columns: offsets.map(([, column]) => column) })
 */
export function expectIndependent(samples: Sample<Category>): void {
  const [[first, a], [second, b]] = pairOf(samples)
  if (a.length !== b.length)
    throw new Error(`expected equally many ${first} and ${second}, got ${a.length} and ${b.length}`)
  if (dependent(a, b)) throw new Error(`expected ${first} to be independent of ${second}`)
}

/** Minimum expected count per cell: with fewer, χ² is inaccurate. */
const fewest = 5
interface Cell {
  readonly count: number
  readonly expected: number
}

/** The upper quantile of χ², by Wilson and Hilferty 1931. */
const quantile = (freedom: number): number =>
  freedom * (1 - 2 / (9 * freedom) + deviations * Math.sqrt(2 / (9 * freedom))) ** 3

/** Checks that each value is independent of the previous one. */
function expectEachNew(name: string, values: readonly Category[]): void {
  if (dependent(values.slice(1), values.slice(0, -1)))
    throw new Error(
      `expected each of ${values.length} ${name} to be independent of the previous one`,
    )
}

function dependent(first: readonly Category[], second: readonly Category[]): boolean {
  const [a, b] = [groupsOf(first), groupsOf(second)]
  const [rows, columns] = [countsOf(a), countsOf(b)]
  const both = countsOf(a.map((group, i) => `${group} ${b[i]}`))
  let total = 0
  for (const [row, across] of rows)
    for (const [column, down] of columns) {
      const expected = (across * down) / a.length
      if (expected >= fewest)
        total += ((both.get(`${row} ${column}`) ?? 0) - expected) ** 2 / expected
    }
  const freedom = (rows.size - 1) * (columns.size - 1)
  return freedom > 0 && total > quantile(freedom)
}

/** The values if there are few different ones, otherwise their quartiles. */
function groupsOf(values: readonly Category[]): readonly Category[] {
  if (new Set(values).size <= 8) return values
  const sorted = (values as number[]).toSorted((a, b) => a - b)
  const limits = [1, 2, 3].map((quarter) => sorted[Math.floor((quarter * sorted.length) / 4)]!)
  return values.map((value) => limits.filter((limit) => (value as number) >= limit).length)
}

function countsOf(values: readonly Category[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1)
  return counts
}

function pairOf<T>(samples: Sample<T>): [[string, T[]], [string, T[]]] {
  const [a, b] = Object.entries(samples).map(([name, values]): [string, T[]] => [
    name,
    Array.from(values),
  ])
  return [a!, b!]
}

function valuesOf<T>(sample: Sample<T>): [string, T[]] {
  const [name, values] = Object.entries(sample)[0]!
  if (values.length === 0) throw new Error(`expected ${name}, got none`)
  return [name, Array.from(values)]
}

function numbersOf(sample: Sample): [string, number[]] {
  const [name, values] = valuesOf(sample)
  const nonFinite = values.find((value) => !Number.isFinite(value))
  if (nonFinite !== undefined) throw new Error(`expected ${name} to be numbers, got ${nonFinite}`)
  return [name, values]
}

const percent = (share: number): string => `${short(share * 100)} %`
const list = (names: readonly string[]): string =>
  names.length > 12 ? `${names.slice(0, 6).join(', ')}, …, ${names.at(-1)}` : names.join(', ')
