import * as tf from '@tensorflow/tfjs-core'
import { assertOption, type Batch, type Trick } from '@tricks/core'

export interface NewTrickOptions {
  /** How much, in [0, 1]; default 0.5, the paper's. */
  readonly strength?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

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
 * @returns as `batch`; rows of targets still sum to 1
 * @throws RangeError where the permutation is not of the batch
 * @see PAPER
 */
export function applyNewTrick(
  { images, targets }: Batch,
  { permutation, strength }: NewTrickParams,
): Batch {
  const [batch] = images.shape
  assertOption(permutation.length === batch, 'new-trick', { permutation }, `${batch} indices`)
  assertOption(strength >= 0 && strength <= 1, 'new-trick', { strength }, 'a number in [0, 1]')
  // In place of the paper's formula: the weighted mean of each pair.
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
export function newTrick({ strength = 0.5, key }: NewTrickOptions = {}): Trick {
  assertOption(strength >= 0 && strength <= 1, 'new-trick', { strength }, 'a number in [0, 1]')
  return {
    name: 'new-trick',
    key,
    options: { strength },
    mix: {
      // On the host, from `random` alone.
      draw: (random, { batch }): NewTrickParams => ({
        permutation: [...random.permutation(batch)],
        strength: random.uniform(0, strength),
      }),
      // On the device, for the whole batch at once.
      apply: (batch, params) => applyNewTrick(batch, params as NewTrickParams),
    },
  }
}
