/**
 * Throws if an argument doesn't fit, naming the function, the argument, what was expected and what came. For what depends
 * on the other arguments, such as a list with one entry per image; options are declared by `defineOptions`.
 *
 * @param argument the argument as `{ name: value }`
 * @example
 * const centers = [[16, 16]]
 * assertArgument(centers.length === 1, 'cutout', { centers }, 'one list of centres per image')
 */
export function assertArgument(
  valid: boolean,
  where: string,
  argument: Readonly<Record<string, unknown>>,
  range: string,
): asserts valid {
  const [name, value] = Object.entries(argument)[0]!
  if (!valid) throw outOfRange(where, name, range, value)
}

/**
 * Throws where an option is out of its range, naming the trick, the option, the range and the value; and where the range
 * is one of numbers, as in 'a number in [0, 1]' or 'a positive integer', and the value is none.
 *
 * @param option the option as `{ name: value }`
 * @example
 * const length = 4 // with -3, RangeError: cutout: expected length to be a positive integer, got -3
 * assertOption(length > 0, 'cutout', { length }, 'a positive integer')
 */
export function assertOption(
  valid: boolean,
  trick: string,
  option: Readonly<Record<string, unknown>>,
  range: string,
): asserts valid {
  const [name, value] = Object.entries(option)[0]!
  // A text or a list that reads as a number compares as one: '0.5' >= 0, and [0.5] too.
  const typed = value === undefined || typeof value === 'number' || !numeric.test(range)
  if (!(valid && typed)) throw outOfRange(trick, name, range, value)
}

/** What is thrown where `what` of a trick or function is not in its range. */
export function outOfRange(where: string, what: string, range: string, value: unknown): RangeError {
  return new RangeError(`${where}: expected ${what} to be ${range}, got ${show(value)}`)
}

const numeric = /^an? ((whole )?number|(positive )?integer)\b(?!.*\bor\b)/

const plain = (_: string, value: unknown): unknown => {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  return ArrayBuffer.isView(value) ? Array.from(value as Uint8Array) : value
}

function show(value: unknown): string {
  let text: string | undefined
  try {
    // JSON has no NaN, Infinity or undefined, and these are what one most needs to see.
    text = Object(value) === value ? JSON.stringify(value, plain) : String(value)
  } catch {
    // It holds itself, or a bigint.
  }
  text ??= Object.prototype.toString.call(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
