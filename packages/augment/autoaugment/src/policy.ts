import { assertArgument } from '@tricks/core'
import { type Operation, operations } from '@tricks/operations'

/** An operation, its probability in [0, 1], and its strength from 0 to 9; null for an operation without a magnitude. */
export type PolicyStep = readonly [op: Operation, probability: number, magnitude: number | null]
/** Sub-policies, one of which is drawn per image; its operations are applied in order. */
export type Policy = readonly (readonly PolicyStep[])[]

/** The magnitudes of an operation: from the first value at strength 0 to the second at 9. */
interface Range {
  readonly values: (height: number, width: number) => readonly [number, number]
  /** Whether the sign is random. */
  readonly signed?: boolean
}

const enhancement: Range = { values: () => [0, 0.9], signed: true }
const shear: Range = { values: () => [0, 0.3], signed: true }
// The paper's 150 and 60 pixels are for images of 331 × 331.
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
 * Converts a strength from 0 to 9 to an operation's magnitude, for an image size.
 *
 * @param negative the opposite direction, for operations that have one
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
 * Validates a custom policy.
 *
 * @throws RangeError naming the invalid position, the expected value and the actual one
 */
export function checkPolicy(policy: Policy): void {
  const check = (valid: boolean, position: string, value: unknown, range: string): void =>
    assertArgument(valid, 'autoaugment', { [position]: value }, range)
  const list = (value: unknown, most: number): boolean =>
    Array.isArray(value) && value.length > 0 && value.length <= most
  const within = (value: unknown, most: number): boolean =>
    typeof value === 'number' && value >= 0 && value <= most
  check(list(policy, 10_000), 'policy', policy, 'a list of 1 to 10000 sub-policies')
  for (const [i, steps] of policy.entries()) {
    const sub = 'a list of 1 to 32 steps [op, probability, magnitude]'
    check(list(steps, 32), `policy[${i}]`, steps, sub)
    for (const [j, step] of steps.entries()) {
      const position = `policy[${i}][${j}]`
      const triple = Array.isArray(step) && step.length === 3
      check(triple, position, step, '[op, probability, magnitude]')
      const [op, probability, magnitude] = step
      check(operations.includes(op), `${position}[0]`, op, `one of ${operations.join(', ')}`)
      check(within(probability, 1), `${position}[1]`, probability, 'a probability in [0, 1]')
      const strength = within(magnitude, 9) && Number.isInteger(magnitude)
      check(
        strength || (magnitude === null && !ranges[op]),
        `${position}[2]`,
        magnitude,
        'an integer in [0, 9], or null if the operation has no magnitude',
      )
    }
  }
}
