import * as tf from '@tensorflow/tfjs-core'
import { blend } from './blend.ts'
import type { Family, Levels, Operation, Step, OperationContext } from './operation.ts'
import { autoContrast, equalize, tone } from './tone.ts'
import { warp } from './warp.ts'

const families: readonly (readonly [Family, readonly Operation[]])[] = [
  [warp, ['ShearX', 'ShearY', 'TranslateX', 'TranslateY', 'Rotate', 'Cutout']],
  [tone, ['Invert', 'Solarize', 'Posterize']],
  [autoContrast, ['AutoContrast']],
  [equalize, ['Equalize']],
  [blend, ['Brightness', 'Contrast', 'Color', 'Sharpness', 'SamplePairing']],
]

/**
 * Applies one step to each image, a family at a time; null leaves an image unchanged. Images are reordered so that
 * those with the same operation are adjacent.
 *
 * @returns the images, and the original index of each
 */
export function operate(
  levels: Levels,
  steps: readonly (Step | null)[],
  around: OperationContext,
): { levels: Levels; order: number[] } {
  const images = [...steps.keys()]
  const parts: Levels[] = []
  const order: number[] = []
  const take = (own: readonly number[], family?: Family): void => {
    if (own.length === 0) return
    const some = tf.gather(levels, tf.tensor1d([...own], 'int32'))
    const ownSteps = own.map((i) => steps[i]!)
    parts.push(family ? family(some, ownSteps, around) : some)
    order.push(...own)
  }
  take(images.filter((i) => steps[i] === null))
  for (const [family, members] of families)
    take(
      members.flatMap((op) => images.filter((i) => steps[i]?.op === op)),
      family,
    )
  return { levels: tf.concat(parts), order }
}
