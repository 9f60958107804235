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
    const mayBeZero = name === 'mean'
    const values = Array.from(Object(given) as ArrayLike<unknown>)
    const wrong = values.findIndex(
      (each) => !(typeof each === 'number' && each <= 1 && (each > 0 || (mayBeZero && each === 0))),
    )
    if (wrong >= 0 || values.length === 0)
      throw outOfRange(
        where,
        name,
        `a list of numbers in ${mayBeZero ? '[' : '('}0, 1], one per channel`,
        given,
        values[wrong] === 0
          ? '. Pass 1 for a constant channel'
          : (values[wrong] as number) > 1
            ? '. Divide mean and deviation by 255'
            : '',
      )
  }
}
