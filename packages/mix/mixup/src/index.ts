import { assertArgument, type Batch, type Trick } from '@tricks/core'
import { mixPairs, withDraws } from '@tricks/core/augmentation'
import { boolean, defineOptions, number, type OptionsOf } from '@tricks/core/options'

export const mixupOptions = defineOptions('mixup', {
  /**
   * λ is drawn from Beta(alpha, alpha); a larger alpha mixes more. The paper uses 0.1 to 0.4 on ImageNet, 1 on
   * CIFAR-10.
   */
  alpha: number({ above: 0, scale: 'log', default: 0.2 }),
  /** Draw one λ per image instead of one per batch as in the paper's code. */
  perImage: boolean({ default: false }),
})
export type MixupOptions = OptionsOf<typeof mixupOptions>

export interface MixupParams {
  /** The weight of the image itself, in [0, 1]: one, or one per image. */
  readonly lambda: number | readonly number[]
  /** Each image's partner. */
  readonly permutation: readonly number[] | Int32Array
}

/**
 * Mixes images with their partners, and targets likewise: λ · x + (1 − λ) · x[permutation].
 *
 * @param batch images `[batch, height, width, channels]` and targets `[batch, classes]`
 * @returns a new batch
 * @throws RangeError if λ, the permutation or the targets don't fit the images
 * @example
 * const { images, targets } = applyMixup(batch, { lambda: 0.7, permutation: [1, 0] })
 * @see Zhang et al. 2018, https://arxiv.org/abs/1710.09412
 */
export function applyMixup(
  { images, targets }: Batch,
  { lambda, permutation }: MixupParams,
): Batch {
  const [size] = images.shape
  assertArgument(
    targets.shape[0] === size,
    'mixup',
    { targets: targets.shape },
    `${size} rows, one per image`,
  )
  const lambdas = typeof lambda === 'number' ? [lambda] : Array.from(lambda ?? [])
  assertArgument(
    [1, size].includes(lambdas.length) &&
      lambdas.every((each) => Number.isFinite(each) && each >= 0 && each <= 1),
    'mixup',
    { lambda },
    `one number in [0, 1], or ${size}, one per image`,
  )
  const partners = Array.from(permutation ?? [])
  assertArgument(
    partners.length === size &&
      partners.every((each) => Number.isInteger(each) && each >= 0 && each < size),
    'mixup',
    { permutation },
    `${size} indices in [0, ${size})`,
  )

  return {
    images: mixPairs(images, partners, lambdas),
    targets: mixPairs(targets, partners, lambdas),
  }
}

/**
 * Trains on convex combinations of pairs of images and their targets.
 *
 * @throws RangeError for an alpha of 0 or less
 * @example
 * compose([mixup({ alpha: 0.2 })])
 * @see Zhang et al. 2018, https://arxiv.org/abs/1710.09412
 */
export function mixup({ key, ...given }: MixupOptions = {}): Trick {
  const options = mixupOptions.parse(given)
  const { alpha, perImage } = options
  return {
    name: 'mixup',
    key,
    options,
    mix: {
      draw: (random, { batch }): MixupParams => ({
        lambda: perImage
          ? random.images(batch, (image) => image.beta(alpha, alpha))
          : random.beta(alpha, alpha),
        permutation: random.permutation(batch),
      }),
      apply: applyMixup,
      describe: ({ lambda }: MixupParams, image) =>
        `λ ${(typeof lambda === 'number' ? lambda : lambda[image]!).toFixed(2)}`,
    },
  }
}

/**
 * Mixes a batch with random draws, for a loop without a pipeline: `mixup` as a function of `{ images, targets }`.
 *
 * @param batch images `[batch, height, width, channels]` and targets `[batch, classes]`
 * @returns a new batch
 * @example
 * const mixed = mixupBatch({ images, targets }, { alpha: 0.2, seed: 1, step })
 */
export const mixupBatch = withDraws(mixup)
