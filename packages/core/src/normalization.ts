import { outOfRange } from './option.ts'

/**
 * Throws unless mean and deviation are those of images in [0, 1]: per channel, mean in [0, 1] and deviation in (0, 1].
 *
 * @param where package or function name for the error message
 * @param statistics absent entries are not checked
 * @throws RangeError naming the option and its value, with advice on conversion
 * @example
 * assertNormalization('train', { mean: [0.49, 0.48, 0.45], deviation: [0.25, 0.24, 0.26] })
 */
export function assertNormalization(
  where: string,
  statistics: { readonly mean?: readonly number[]; readonly deviation?: readonly number[] },
): void {
  for (const name of ['mean', 'deviation'] as const) {
    const given: unknown = statistics[name]
    if (given === undefined) continue
    const values = Array.from(Object(given) as ArrayLike<unknown>)
    const within = (high: number): boolean =>
      values.length > 0 &&
      values.every((each) => typeof each === 'number' && each >= 0 && each <= high)
    const constant = name === 'deviation' && values.includes(0)
    const range = `a list of numbers in ${name === 'mean' ? '[' : '('}0, 1], one per channel`
    const remedy = within(1)
      ? '. Pass 1 for a constant channel'
      : within(255)
        ? '. Images are in [0, 1]: divide mean and deviation by 255'
        : typeof given === 'number'
          ? `. Pass [${given}]`
          : ''
    if (!within(1) || constant) throw outOfRange(where, name, range, given, remedy)
  }
}
