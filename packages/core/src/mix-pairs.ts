import * as tf from '@tensorflow/tfjs-core'
import { inOnePass, instructions } from './one-pass.ts'

/**
 * Mixes images or targets with their partners': weight · x + (1 − weight) · x[partner].
 *
 * @param x `[batch, …]`
 * @param partners each image's partner, indices in [0, batch); not checked
 * @param weights of the images themselves: one, or one per image
 * @returns a tensor of the same shape
 * @example
 * import { mixPairs } from '@tricks/core/augmentation'
 *
 * const mixed = mixPairs(tf.ones([2, 8, 8, 3]), [1, 0], [0.7])
 */
export function mixPairs<T extends tf.Tensor>(
  x: T,
  partners: readonly number[],
  weights: readonly number[],
): T {
  const weightOf = (image: number): number => weights[weights.length === 1 ? 0 : image]!
  const mix = (images: tf.Tensor4D): tf.Tensor4D =>
    inOnePass(
      images,
      (image, program) => program.push(instructions.mix, image, partners[image]!, weightOf(image)),
      () =>
        tf.tidy(() => {
          const shares = tf.tensor4d([...weights], [weights.length, 1, 1, 1])
          const others = tf.gather(images, tf.tensor1d([...partners], 'int32'))
          return tf.add(tf.mul(images, shares), tf.mul(others, tf.sub(1, shares)))
        }),
    )
  if (x.rank === 4) return mix(x as tf.Tensor as tf.Tensor4D) as tf.Tensor as T
  return tf.tidy(() => tf.reshape(mix(tf.reshape(x, [x.shape[0], 1, 1, -1])), x.shape) as T)
}
