/**
 * Throws if an argument is invalid, naming the function, the argument, the expected range and the value. Use it for
 * checks that depend on other arguments, such as one entry per image; declare options with `defineOptions`.
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
  if (valid) return
  const [name, value] = Object.entries(argument)[0]!
  throw outOfRange(where, name, range, value)
}

/** The error for an option or argument outside its range; `remedy` follows the value. */
export const outOfRange = (
  where: string,
  what: string,
  range: string,
  value: unknown,
  remedy = '',
): RangeError =>
  new RangeError(`${where}: expected ${what} to be ${range}, got ${show(value)}${remedy}`)

// JSON has no NaN, Infinity or undefined, the values that matter most here.
const plain = (_: string, value: unknown): unknown =>
  ArrayBuffer.isView(value)
    ? Array.from(value as Uint8Array)
    : typeof value === 'number' && !Number.isFinite(value)
      ? String(value)
      : value

function show(value: unknown): string {
  let text: string | undefined
  try {
    text = Object(value) === value ? JSON.stringify(value, plain) : String(value)
  } catch {
    // Circular, or contains a bigint.
  }
  text ??= {}.toString.call(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
