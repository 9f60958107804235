import * as tf from '@tensorflow/tfjs-core'
import type { Random, Trick } from '@tricks/core'
import { withDraws } from '@tricks/core/augmentation'
import {
  boolean,
  choice,
  defineOptions,
  defineParameters,
  integer,
  number,
  type OptionsOf,
} from '@tricks/core/options'
import {
  assertChannels,
  drawStep,
  linear,
  type Magnitudes,
  operations,
  posterizeBits,
} from '@tricks/operations'
import { applyAugmix, type AugmixParams } from './apply.ts'

export { applyAugmix, type AugmixParams } from './apply.ts'
export { jensenShannonLoss } from './loss.ts'

export const augmixOptions = defineOptions('augmix', {
  /** Maximum strength of the operations, of 10. */
  severity: integer({ min: 1, max: 10, default: 3 }),
  /** Number of chains per image. */
  chains: integer({ min: 1, max: 32, default: 3 }),
  /** Maximum number of operations per chain; lengths are drawn from 1 to this number. */
  depth: integer({ min: 1, max: 32, default: 3 }),
  /** Parameter of the Beta and Dirichlet distributions of the weights; 1 is uniform. */
  alpha: number({ above: 0, max: 1e6, scale: 'log', default: 1 }),
  /** Also use brightness, color, contrast and sharpness, which are part of the ImageNet-C test. */
  allOperations: boolean({ default: true }),
  /** Interpolation of shears and rotations. */
  interpolation: choice(['nearest', 'bilinear'], { default: 'bilinear' }),
  /** Value of pixels from outside the image: the data's mean, or a number. */
  fill: choice(['mean', number({ min: 0, max: 1 })], { default: 'mean' }),
})
export type AugmixOptions = OptionsOf<typeof augmixOptions>

const sizes = defineParameters('augmix', {
  bins: integer({ min: 2, max: 10_000, default: 10 }),
  height: integer({ min: 1 }),
  width: integer({ min: 1 }),
})

/**
 * The magnitudes of AugMix's operations, equal to torchvision's.
 *
 * @param given `bins`, default 10, and the images' `height` and `width` in pixels
 * @returns by operation, in `applyOperation`'s units; Solarize's are fractions of 255
 * @throws RangeError for an option out of its range
 * @example
 * const { Rotate } = augmixMagnitudes({ bins: 10, height: 32, width: 32 })
 */
export function augmixMagnitudes(given: OptionsOf<typeof sizes>): Record<string, Magnitudes> {
  const { bins, height, width } = sizes.parse(given)
  const even = (most: number): Magnitudes => ({ magnitudes: linear(0, most, bins), signed: true })
  const none: Magnitudes = { magnitudes: null, signed: false }
  return {
    ShearX: even(0.3),
    ShearY: even(0.3),
    TranslateX: even(width / 3),
    TranslateY: even(height / 3),
    Rotate: even(30),
    Posterize: { magnitudes: posterizeBits(4, 0, bins, 'difference'), signed: false },
    Solarize: { magnitudes: linear(1, 0, bins), signed: false },
    AutoContrast: none,
    Equalize: none,
    Brightness: even(0.9),
    Color: even(0.9),
    Contrast: even(0.9),
    Sharpness: even(0.9),
  }
}

const enhancements = ['Brightness', 'Color', 'Contrast', 'Sharpness']

/** Weights that sum to 1, from the symmetric Dirichlet distribution, by stick-breaking. */
function shares(random: Random, count: number, alpha: number): number[] {
  let left = 1
  return Array.from({ length: count }, (_, k) => {
    const others = count - 1 - k
    const own = others > 0 ? left * random.beta(alpha, alpha * others) : left
    left -= own
    return own
  })
}

/**
 * Mixes each image with the results of several random chains of weak operations.
 *
 * The loss over three views, `jensenShannonLoss`, needs the logits of each view: use it in your own loop.
 *
 * @throws RangeError for an option out of its range, and unless the images have 1 or 3 channels
 * @example
 * compose([randomFlip(), augmix({ severity: 3 })])
 * @see Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781; torchvision's `AugMix`
 */
export function augmix({ key, ...given }: AugmixOptions = {}): Trick {
  const options = augmixOptions.parse(given)
  const { severity, chains: count, depth, alpha, interpolation } = options
  // Checks all operations that may be drawn, so that the seed makes no difference.
  const check = ({ channels }: { channels: number }): void => {
    if (options.allOperations) assertChannels(operations, channels, 'augmix')
  }
  return {
    name: 'augmix',
    key,
    options,
    start: ({ data }) => check(data),
    images: {
      draw(random, shape): AugmixParams {
        check(shape)
        const { height, width } = shape
        const all = Object.entries(augmixMagnitudes({ height, width }))
        const used = all.filter(([op]) => options.allOperations || !enhancements.includes(op))
        const space = Object.fromEntries(used)
        const step = (image: Random): readonly [string, number] => {
          const { op, magnitude } = drawStep(image, space, (stream) => stream.integer(0, severity))!
          return [op, magnitude]
        }
        const drawn = random.images(shape.batch, (image) => ({
          mix: image.beta(alpha, alpha),
          weights: shares(image, count, alpha),
          chains: Array.from({ length: count }, () =>
            Array.from({ length: image.integer(1, depth + 1) }, () => step(image)),
          ),
        }))
        return {
          chains: drawn.map((own) => own.chains),
          weights: drawn.map((own) => own.weights),
          mix: drawn.map((own) => own.mix),
          fill: options.fill === 'mean' ? shape.mean : options.fill,
          interpolation,
        }
      },
      // The weights sum to 1 up to rounding.
      apply: (images, params: AugmixParams) =>
        tf.tidy(() => tf.clipByValue(applyAugmix(images, params), 0, 1)),
      describe: ({ chains, mix }: AugmixParams, image) =>
        `${Math.round(100 * mix[image]!)} % of ${chains[image]!.map((chain) => chain.map(([op]) => op).join(' ')).join(', ')}`,
    },
  }
}

/**
 * Changes images with random draws, for a loop without a pipeline: `augmix` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]
 * @returns images of the same shape
 * @example
 * const view = augmixBatch(images, { severity: 3, seed: 1, step })
 */
export const augmixBatch = withDraws(augmix)
