import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import { withDraws } from '@tricks/core/augmentation'
import { defineOptions, number, type OptionsOf } from '@tricks/core/options'

export const newTrickOptions = defineOptions('new-trick', {
  /** Strength of the trick; the paper's default. */
  strength: number({ min: 0, max: 1, default: 0.5 }),
})
export type NewTrickOptions = OptionsOf<typeof newTrickOptions>

export interface NewTrickParams {
  /** One per image. */
  readonly strengths: readonly number[]
}

/**
 * The formula, in one line.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]
 * @returns images of the same shape
 * @throws RangeError unless there is one strength per image
 * @see PAPER
 */
export function applyNewTrick(images: tf.Tensor4D, { strengths }: NewTrickParams): tf.Tensor4D {
  const [batch] = images.shape
  const range = `${batch} numbers, one per image`
  assertArgument(strengths.length === batch, 'new-trick', { strengths }, range)
  // Replace by the paper's formula. Placeholder: darker by the strength.
  return tf.tidy(() => {
    const shares = tf.tensor4d(
      strengths.map((strength) => 1 - strength),
      [batch, 1, 1, 1],
    )
    return tf.mul(images, shares)
  })
}

/**
 * What the trick does to training, in one line.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([newTrick({ strength: 0.5 })])
 * @see PAPER
 */
export function newTrick({ key, ...given }: NewTrickOptions = {}): Trick {
  const options = newTrickOptions.parse(given)
  return {
    name: 'new-trick',
    key,
    options,
    images: {
      // On the host, from `random` alone: each image has its own stream.
      draw: (random, { batch }): NewTrickParams => ({
        strengths: random.images(batch, (image) => image.uniform(0, options.strength)),
      }),
      // On the device, for the whole batch at once.
      apply: applyNewTrick,
      // A caption for pictures.
      describe: ({ strengths }: NewTrickParams, image) =>
        `darker by ${strengths[image]!.toFixed(2)}`,
    },
  }
}

/**
 * `newTrick` as a function of images, for a loop without a pipeline.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]
 * @returns images of the same shape
 * @example
 * const changed = newTrickBatch(images, { strength: 0.5, seed: 1, step })
 */
export const newTrickBatch = withDraws(newTrick)
