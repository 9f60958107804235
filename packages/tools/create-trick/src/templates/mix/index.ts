import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Batch, type Trick } from '@tricks/core'
import { withDraws } from '@tricks/core/augmentation'
import { defineOptions, number, type OptionsOf } from '@tricks/core/options'

export const newTrickOptions = defineOptions('new-trick', {
  /** Strength of the trick; the paper's default. */
  strength: number({ min: 0, max: 1, default: 0.5 }),
})
export type NewTrickOptions = OptionsOf<typeof newTrickOptions>

export interface NewTrickParams {
  /** Image i is mixed with image permutation[i]. */
  readonly permutation: readonly number[]
  /** In [0, 1]. */
  readonly strength: number
}

/**
 * The formula, in one line.
 *
 * @param batch images float32 `[batch, height, width, channels]`, targets float32 `[batch, classes]`
 * @returns a batch of the same shape; rows of targets still sum to 1
 * @throws RangeError if the permutation doesn't fit the batch
 * @see PAPER
 */
export function applyNewTrick(
  { images, targets }: Batch,
  { permutation, strength }: NewTrickParams,
): Batch {
  const [batch] = images.shape
  const range = `${batch} indices, one per image`
  assertArgument(permutation.length === batch, 'new-trick', { permutation }, range)
  // Replace by the paper's formula. Placeholder: the weighted mean of each pair.
  return tf.tidy(() => {
    const order = tf.tensor1d([...permutation], 'int32')
    const blend = <T extends tf.Tensor>(x: T): T =>
      tf.add(tf.mul(x, 1 - strength), tf.mul(tf.gather(x, order), strength))
    return { images: blend(images), targets: blend(targets) }
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
    mix: {
      // On the host, from `random` alone.
      draw: (random, { batch }): NewTrickParams => ({
        permutation: [...random.permutation(batch)],
        strength: random.uniform(0, options.strength),
      }),
      // On the device, for the whole batch at once.
      apply: applyNewTrick,
      // A caption for pictures.
      describe: ({ strength }: NewTrickParams) => `mixed by ${strength.toFixed(2)}`,
    },
  }
}

/**
 * `newTrick` as a function of a batch, for a loop without a pipeline.
 *
 * @param batch images float32 `[batch, height, width, channels]`, targets float32 `[batch, classes]`
 * @returns a batch of the same shape
 * @example
 * const mixed = newTrickBatch({ images, targets }, { strength: 0.5, seed: 1, step })
 */
export const newTrickBatch = withDraws(newTrick)
