import { assertOption } from '@tricks/core'
import { type Operation, operations } from './operation.ts'

/** An operation, its probability in [0, 1], and its strength from 0 to 9; null for operations that have none. */
export type PolicyStep = readonly [op: Operation, probability: number, magnitude: number | null]
/** Sub-policies, one of which is drawn an image; its operations follow one another. */
export type Policy = readonly (readonly PolicyStep[])[]

/** What the strengths of an operation mean: from the first value at 0 to the second at 9. */
interface Range {
  readonly values: (height: number, width: number) => readonly [number, number]
  /** Goes either way. */
  readonly signed?: boolean
}

const enhancement: Range = { values: () => [0, 0.9], signed: true }
const shear: Range = { values: () => [0, 0.3], signed: true }
// The paper's 150 and 60 pixels are of images of 331.
const ranges: Readonly<Partial<Record<Operation, Range>>> = {
  ShearX: shear,
  ShearY: shear,
  TranslateX: { values: (_, width) => [0, (150 / 331) * width], signed: true },
  TranslateY: { values: (height) => [0, (150 / 331) * height], signed: true },
  Rotate: { values: () => [0, 30], signed: true },
  Solarize: { values: () => [255, 0] },
  Posterize: { values: () => [8, 4] },
  Contrast: enhancement,
  Color: enhancement,
  Brightness: enhancement,
  Sharpness: enhancement,
  Cutout: { values: (height, width) => [0, (60 / 331) * Math.min(height, width)] },
  SamplePairing: { values: () => [0, 0.4] },
}

/**
 * What a strength from 0 to 9 means to an operation on images of a size.
 *
 * @param negative the other way, for operations that go either way
 * @example
 * magnitudeOf('Rotate', 9, [32, 32]) // 30
 */
export function magnitudeOf(
  op: Operation,
  strength: number | null,
  [height, width]: readonly [number, number],
  negative = false,
): number {
  const range = ranges[op]
  if (!range || strength === null) return 0
  const [weakest, strongest] = range.values(height, width)
  const magnitude = weakest + ((strongest - weakest) * strength) / 9
  if (op === 'Posterize') return Math.round(magnitude)
  return range.signed && negative ? 0 - magnitude : magnitude
}

/**
 * Looks through a policy of one's own.
 *
 * @throws RangeError that says where it is none, what was expected, and what stands there
 */
export function checkPolicy(policy: unknown): asserts policy is Policy {
  const check = (valid: boolean, place: string, value: unknown, range: string): void =>
    assertOption(valid, 'autoaugment', { [place]: value }, range)
  const filled = (value: unknown): boolean => Array.isArray(value) && value.length > 0
  const within = (value: unknown, most: number): boolean =>
    typeof value === 'number' && value >= 0 && value <= most
  const sub = 'a list of [op, probability, magnitude]'
  check(filled(policy), 'policy', policy, `a list of sub-policies, each ${sub}`)
  const { length } = policy as unknown[]
  check(length <= 10_000, 'policy.length', length, 'at most 10000')
  for (const [i, steps] of (policy as unknown[]).entries()) {
    check(filled(steps), `policy[${i}]`, steps, sub)
    check((steps as unknown[]).length <= 32, `policy[${i}]`, steps, `at most 32 operations`)
    for (const [j, step] of (steps as unknown[]).entries()) {
      const place = `policy[${i}][${j}]`
      const triple = Array.isArray(step) && step.length === 3
      check(triple, place, step, '[op, probability, magnitude]')
      const [op, probability, magnitude] = step as unknown[]
      const names = `one of ${operations.join(', ')}`
      check(operations.includes(op as Operation), `${place}[0]`, op, names)
      check(within(probability, 1), `${place}[1]`, probability, 'a probability in [0, 1]')
      const whole = within(magnitude, 9) && Number.isInteger(magnitude)
      const none = magnitude === null && !ranges[op as Operation]
      check(
        whole || none,
        `${place}[2]`,
        magnitude,
        'a whole number from 0 to 9, or null where the operation has no magnitude',
      )
    }
  }
}
