import * as tf from '@tensorflow/tfjs-core'
import { blend } from './blend.ts'
import type { Levels } from './levels.ts'
import { autoContrast, equalize, tone } from './tone.ts'
import { warp } from './warp.ts'

/** The 16 operations of the paper, in its order, by torchvision's names. */
export const operations = [
  'ShearX',
  'ShearY',
  'TranslateX',
  'TranslateY',
  'Rotate',
  'AutoContrast',
  'Invert',
  'Equalize',
  'Solarize',
  'Posterize',
  'Contrast',
  'Color',
  'Brightness',
  'Sharpness',
  'Cutout',
  'SamplePairing',
] as const
/** The name of an operation. */
export type Operation = (typeof operations)[number]

/** An operation on one image. */
export interface Step {
  readonly op: Operation
  readonly magnitude: number
  /** Cutout's [row, column]. */
  readonly center?: readonly [number, number]
  /** The place of SamplePairing's other image in the batch. */
  readonly partner?: number
}

/** What operations need besides their image. */
export interface Surroundings {
  /** The level of what lies outside, one a channel. */
  readonly fill: readonly number[]
  /** The batch before any operation, in [0, 1]. */
  readonly originals: tf.Tensor4D
}

/** Does a family's steps on as many images at once. */
type Family = (levels: Levels, steps: readonly Step[], around: Surroundings) => Levels

const families: readonly (readonly [Family, readonly Operation[]])[] = [
  [warp, ['ShearX', 'ShearY', 'TranslateX', 'TranslateY', 'Rotate', 'Cutout']],
  [tone, ['Invert', 'Solarize', 'Posterize']],
  [autoContrast, ['AutoContrast']],
  [equalize, ['Equalize']],
  [blend, ['Brightness', 'Contrast', 'Color', 'Sharpness', 'SamplePairing']],
]

/**
 * Does one step on each image, a family at a time; null leaves an image as it is. Images change places, so that those of
 * one operation follow one another.
 *
 * @returns the images, and where each was
 */
export function operate(
  levels: Levels,
  steps: readonly (Step | null)[],
  around: Surroundings,
): { levels: Levels; order: number[] } {
  const places = [...steps.keys()]
  const parts: Levels[] = []
  const order: number[] = []
  const take = (own: readonly number[], family?: Family): void => {
    if (own.length === 0) return
    const some = tf.gather(levels, tf.tensor1d([...own], 'int32'))
    const ownSteps = own.map((i) => steps[i]!)
    parts.push(family ? family(some, ownSteps, around) : some)
    order.push(...own)
  }
  take(places.filter((i) => steps[i] === null))
  for (const [family, members] of families)
    take(
      members.flatMap((op) => places.filter((i) => steps[i]?.op === op)),
      family,
    )
  return { levels: tf.concat(parts), order }
}
