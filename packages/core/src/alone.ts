import * as tf from '@tensorflow/tfjs-core'
import { keyOf, tidied } from './combine-batch.ts'
import { assertArgument } from './option.ts'
import { createRandom } from './random.ts'
import type { Augmentation, Batch, Trick } from './trick.ts'

/** Seed, step and statistics for a call outside a pipeline. */
export interface DrawOptions {
  /** Whole number in [0, 2^32). */
  readonly seed: number
  /** The draws depend on it; default 0. Increase it from call to call. */
  readonly step?: number
  /** The data's mean per channel, used by `fill: 'mean'`; default 0, as for normalised images. */
  readonly mean?: readonly number[]
}

/**
 * Turns a trick into a function of a batch that makes its own draws, for a loop without a pipeline. With the same seed
 * and step it draws what `compose` draws for the trick.
 *
 * @param factory creates a trick that changes images or mixes them
 * @returns a function of images `[batch, height, width, channels]` in [0, 1] (of `{ images, targets }` for a trick that
 * mixes) and the trick's options with `seed` and `step`; it leaves its input unchanged
 * @throws RangeError for an option out of its range
 * @example
 * const cutoutBatch = withDraws(cutout)
 * const cut = cutoutBatch(images, { length: 16, seed: 1, step })
 */
/* @__NO_SIDE_EFFECTS__ */
export function withDraws<O>(
  factory: (options: O) => Trick,
): <B extends tf.Tensor4D | Batch>(batch: B, options: NonNullable<O> & DrawOptions) => B {
  return (batch, { seed, step = 0, mean: given, ...options }) => {
    const trick = factory(options as O)
    const { images, targets } = (batch instanceof tf.Tensor ? { images: batch } : batch) as {
      images: tf.Tensor4D
      targets?: tf.Tensor2D
    }
    const augmentation = (targets ? trick.mix : trick.images) as Augmentation<typeof batch>
    if (!augmentation)
      throw new Error(
        targets
          ? `${trick.name}: expected images, [batch, height, width, channels], got { images, targets }`
          : `${trick.name}: expected { images, targets }, as it mixes both, got images`,
      )
    const [size, height, width, channels] = images.shape
    const mean = given ?? Array<number>(channels).fill(0)
    const shape = { batch: size, height, width, channels, classes: targets?.shape[1] ?? 0 }
    const whole = Number.isInteger(step) && step >= 0
    assertArgument(whole, trick.name, { step }, 'a whole number of at least 0')
    const list = Array.isArray(mean) && mean.length === channels
    assertArgument(list, trick.name, { mean }, `a list of ${channels} numbers`)
    const params = augmentation.draw(
      createRandom(seed, trick.name).at(step).fork(keyOf(trick)),
      { ...shape, mean },
      { step, stepsPerEpoch: Infinity, steps: Infinity },
    )
    return tidied(() => {
      if (params !== undefined) return augmentation.apply(batch, params)
      const copy = { images: tf.clone(images), ...(targets && { targets: tf.clone(targets) }) }
      return (targets ? copy : copy.images) as typeof batch
    })
  }
}
