import * as tf from '@tensorflow/tfjs-core'
import { assertOption, type Trick } from '@tricks/core'

export interface NewTrickOptions {
  /** How much, in [0, 1]; default 0.5, the paper's. */
  readonly strength?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

export interface NewTrickParams {
  /** Each image's strength. */
  readonly strengths: readonly number[]
}

/**
 * The formula, in one line.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]
 * @returns as `images`
 * @throws RangeError where there is not one strength an image
 * @see PAPER
 */
export function applyNewTrick(images: tf.Tensor4D, { strengths }: NewTrickParams): tf.Tensor4D {
  const [batch] = images.shape
  assertOption(strengths.length === batch, 'new-trick', { strengths }, `${batch} numbers`)
  // In place of the paper's formula: darker by the strength.
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
export function newTrick({ strength = 0.5, key }: NewTrickOptions = {}): Trick {
  assertOption(strength >= 0 && strength <= 1, 'new-trick', { strength }, 'a number in [0, 1]')
  return {
    name: 'new-trick',
    key,
    options: { strength },
    images: {
      // On the host, from `random` alone: each image has a stream of its own.
      draw: (random, { batch }): NewTrickParams => ({
        strengths: random.images(batch, (image) => image.uniform(0, strength)),
      }),
      // On the device, for the whole batch at once.
      apply: (images, params) => applyNewTrick(images, params as NewTrickParams),
    },
  }
}
