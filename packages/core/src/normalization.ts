import { outOfRange } from './option.ts'

/**
 * Throws if a mean or a deviation is not that of images in [0, 1], per channel: the mean in [0, 1], the deviation in
 * (0, 1].
 *
 * @param where the package or function whose options they are
 * @param statistics what is absent is not checked
 * @throws RangeError naming the option and the value, and how to convert it
 * @example
 * assertNormalization('train', { mean: [0.49, 0.48, 0.45], deviation: [0.25, 0.24, 0.26] })
 */
export function assertNormalization(
  where: string,
  {
    mean,
    deviation,
  }: { readonly mean?: readonly number[]; readonly deviation?: readonly number[] },
): void {
  assertEach(where, { mean }, 'in [0, 1]', true)
  assertEach(where, { deviation }, 'in (0, 1]', false)
}

function assertEach(
  where: string,
  option: Readonly<Record<string, readonly number[] | undefined>>,
  range: string,
  zero: boolean,
): void {
  const [name, values] = Object.entries(option)[0]!
  if (values === undefined) return
  const list = Array.isArray(values) || ArrayBuffer.isView(values) ? Array.from(values) : []
  const within = (high: number): boolean =>
    list.length > 0 && list.every((each) => typeof each === 'number' && each >= 0 && each <= high)
  const constant = !zero && list.includes(0)
  if (within(1) && !constant) return
  const error = outOfRange(where, name, `a list of numbers ${range}, one per channel`, values)
  if (within(255) && !within(1))
    error.message += '. Images are in [0, 1]: divide mean and deviation by 255'
  else if (constant) error.message += '. Pass 1 for a constant channel'
  else if (typeof values === 'number') error.message += `. Pass [${String(values)}]`
  throw error
}
