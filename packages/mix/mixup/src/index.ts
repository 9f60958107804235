import * as tf from '@tensorflow/tfjs-core'
import { assertOption, type Batch, type Trick } from '@tricks/core'

export interface MixupOptions {
  /** λ is drawn from Beta(alpha, alpha), alpha above 0; default 0.2 (the paper: 0.1–0.4 ImageNet, 1 CIFAR-10). */
  readonly alpha?: number
  /** A λ for each image rather than for each batch; default false, as in the paper's code. */
  readonly perImage?: boolean
  /** Tells two of the same trick apart. */
  readonly key?: string
}

export interface MixupParams {
  /** The weight of the image itself, in [0, 1]: one, or one an image. */
  readonly lambda: number | readonly number[]
  /** Each image's partner. */
  readonly permutation: readonly number[] | Int32Array
}

/**
 * Mixes images with their partners, and targets alike: λ · x + (1 − λ) · x[permutation].
 *
 * @param batch images `[batch, height, width, channels]` and targets `[batch, classes]`
 * @returns a new batch
 * @throws RangeError where λ or the permutation don't fit the batch
 * @example
 * const { images, targets } = applyMixup(batch, { lambda: 0.7, permutation: [1, 0] })
 * @see Zhang et al. 2018, https://arxiv.org/abs/1710.09412
 */
export function applyMixup(
  { images, targets }: Batch,
  { lambda, permutation }: MixupParams,
): Batch {
  const [size] = images.shape
  const lambdas = typeof lambda === 'number' ? [lambda] : [...lambda]
  const share = lambdas.every((each) => each >= 0 && each <= 1)
  assertOption(share, 'mixup', { lambda }, 'in [0, 1]')
  assertOption(
    [1, size].includes(lambdas.length),
    'mixup',
    { lambda },
    `one number or ${size}, one an image`,
  )
  const partner = (each: number): boolean => Number.isInteger(each) && each >= 0 && each < size
  const fits = permutation.length === size && Array.from(permutation).every(partner)
  assertOption(fits, 'mixup', { permutation }, `${size} places in [0, ${size})`)

  return tf.tidy(() => {
    const partners = tf.tensor1d(Int32Array.from(permutation), 'int32')
    const weights = tf.tensor1d(lambdas)
    const mix = <T extends tf.Tensor>(x: T): T => {
      const weight = tf.reshape(weights, [-1, ...x.shape.slice(1).map(() => 1)])
      return tf.add(tf.mul(x, weight), tf.mul(tf.gather(x, partners), tf.sub(1, weight)))
    }
    return { images: mix(images), targets: mix(targets) }
  })
}

/**
 * Trains on convex combinations of pairs of images and of their targets.
 *
 * @throws RangeError for an alpha that isn't above 0
 * @example
 * compose([mixup({ alpha: 0.2 })])
 * @see Zhang et al. 2018, https://arxiv.org/abs/1710.09412
 */
export function mixup({ alpha = 0.2, perImage = false, key }: MixupOptions = {}): Trick {
  assertOption(alpha > 0 && Number.isFinite(alpha), 'mixup', { alpha }, 'a number above 0')
  assertOption(typeof perImage === 'boolean', 'mixup', { perImage }, 'true or false')
  return {
    name: 'mixup',
    key,
    options: { alpha, perImage },
    mix: {
      draw: (random, { batch }): MixupParams => ({
        lambda: perImage
          ? random.images(batch, (image) => image.beta(alpha, alpha))
          : random.beta(alpha, alpha),
        permutation: random.permutation(batch),
      }),
      apply: (batch, params) => applyMixup(batch, params as MixupParams),
    },
  }
}
