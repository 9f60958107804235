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

/** Does one step on each image, a family at a time; null leaves an image as it is. */
export function operate(
  levels: Levels,
  steps: readonly (Step | null)[],
  around: Surroundings,
): Levels {
  const rows = Int32Array.from(steps, (_, image) => image)
  const parts = [levels]
  let row = steps.length
  for (const [family, members] of families) {
    // Those of one operation follow one another.
    const images = members.flatMap((op) => [...steps.keys()].filter((i) => steps[i]?.op === op))
    if (images.length === 0) continue
    const own = tf.gather(levels, tf.tensor1d(images, 'int32'))
    parts.push(
      family(
        own,
        images.map((image) => steps[image]!),
        around,
      ),
    )
    for (const image of images) rows[image] = row++
  }
  return parts.length === 1 ? levels : tf.gather(tf.concat(parts), tf.tensor1d(rows, 'int32'))
}
