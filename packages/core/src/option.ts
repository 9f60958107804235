/**
 * Throws where an option is out of its range, naming the trick, the option, the range and the value.
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
  if (valid) return
  const [name, value] = Object.entries(option)[0]!
  throw new RangeError(`${trick}: expected ${name} to be ${range}, got ${show(value)}`)
}

function show(value: unknown): string {
  // JSON has no NaN, Infinity or undefined, and these are what one most needs to see.
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}
