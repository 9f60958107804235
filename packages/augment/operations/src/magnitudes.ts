import type { Random } from '@tricks/core'
import { defineParameters, integer } from '@tricks/core/options'
import type { Operation, Step } from './operation.ts'

/** The magnitudes to draw from for an operation, null if it has none, and whether the sign is random. */
export interface Magnitudes {
  readonly magnitudes: readonly number[] | null
  readonly signed: boolean
}

/**
 * Evenly spaced numbers, both ends included.
 *
 * @param count at least 2
 * @example
 * linear(0, 30, 4) // [0, 10, 20, 30]
 */
export function linear(from: number, to: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1))
}

/**
 * Evenly spaced numbers of bits to keep, rounded like torch: halves to even.
 *
 * @param count at least 2
 * @param rounded whether to round the difference instead of the bits
 * @example
 * posterizeBits(8, 4, 3) // [8, 6, 4]
 */
export function posterizeBits(
  from: number,
  to: number,
  count: number,
  rounded: 'bits' | 'difference' = 'bits',
): number[] {
  return Array.from({ length: count }, (_, i) => {
    const difference = i / ((count - 1) / (from - to))
    return rounded === 'bits' ? halvesToEven(from - difference) : from - halvesToEven(difference)
  })
}

const halvesToEven = (value: number): number =>
  Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value)

/** Number of magnitudes per operation. */
export const bins = integer({ min: 2, max: 10_000, default: 31 })

/**
 * Declares the parameters of a function that returns magnitudes: `bins`, and the images' height and width.
 *
 * @param name with which error messages begin
 * @example
 * spaceParameters('my-augment').parse({ height: 32, width: 32 }) // { bins: 31, height: 32, width: 32 }
 */
/* @__NO_SIDE_EFFECTS__ */
export const spaceParameters = (name: string) =>
  defineParameters(name, { bins, height: integer({ min: 1 }), width: integer({ min: 1 }) })

/**
 * The fourteen operations of RandAugment and TrivialAugment, with evenly spaced magnitudes from none to the given ones.
 *
 * @param count number of magnitudes per operation
 * @param most.posterize the bits to keep by magnitude
 * @example
 * const most = { shear: 0.3, translateX: 10, translateY: 10, rotate: 30, enhance: 0.9 }
 * const space = augmentationSpace(31, { ...most, posterize: posterizeBits(8, 4, 31) })
 */
export function augmentationSpace(
  count: number,
  most: {
    readonly shear: number
    readonly translateX: number
    readonly translateY: number
    readonly rotate: number
    readonly enhance: number
    readonly posterize: readonly number[]
  },
): Record<string, Magnitudes> {
  const even = (to: number): Magnitudes => ({ magnitudes: linear(0, to, count), signed: true })
  const none: Magnitudes = { magnitudes: null, signed: false }
  return {
    Identity: none,
    ShearX: even(most.shear),
    ShearY: even(most.shear),
    TranslateX: even(most.translateX),
    TranslateY: even(most.translateY),
    Rotate: even(most.rotate),
    Brightness: even(most.enhance),
    Color: even(most.enhance),
    Contrast: even(most.enhance),
    Sharpness: even(most.enhance),
    Posterize: { magnitudes: most.posterize, signed: false },
    Solarize: { magnitudes: linear(1, 0, count), signed: false },
    AutoContrast: none,
    Equalize: none,
  }
}

/**
 * Draws one of several operations, and one of its magnitudes with a random sign if it has one.
 *
 * @param space operations by name; 'Identity' does nothing. Solarize's magnitudes are fractions of 255
 * @param binOf draws the index of a magnitude
 * @returns null for 'Identity'
 * @example
 * const space = { Rotate: { magnitudes: [0, 15, 30], signed: true } }
 * const step = drawStep(createRandom(1), space, (stream) => stream.integer(0, 3))
 */
export function drawStep(
  random: Random,
  space: Readonly<Record<string, Magnitudes>>,
  binOf: (random: Random) => number,
): Step | null {
  const names = Object.keys(space)
  const op = names[random.integer(0, names.length)]!
  const bin = binOf(random)
  const negative = random.uniform() < 0.5
  if (op === 'Identity') return null
  const { magnitudes, signed } = space[op]!
  const drawn = magnitudes?.[bin] ?? 0
  // In float32, so that a third of 255 is an exact level.
  const level = Math.fround(255 * drawn)
  const magnitude = op === 'Solarize' ? level : signed && negative ? 0 - drawn : drawn
  return { op: op as Operation, magnitude }
}
