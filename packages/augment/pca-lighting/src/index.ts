import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import { signed, withDraws } from '@tricks/core/augmentation'
import { checked, defineOptions, number, type OptionsOf } from '@tricks/core/options'
import { cifar10Components } from './cifar10.ts'
import { type Components, isComponents } from './components.ts'
export { cifar10Components } from './cifar10.ts'
export { type Components } from './components.ts'
export { fitComponents } from './fit.ts'
export { imagenetComponents } from './imagenet.ts'

export const pcaLightingOptions = defineOptions('pca-lighting', {
  /** Standard deviation of the normally distributed alphas; the default is the paper's. */
  deviation: number({ above: 0, max: 1e6, scale: 'log', default: 0.1 }),
  /** The components of the data's colours, from `fitComponents`. @defaultValue `cifar10Components` */
  components: checked<Components, { readonly default: Components }>(
    '{ eigenvalues, eigenvectors } with as many rows and columns as values',
    isComponents,
    { default: cifar10Components },
  ),
})
export type PcaLightingOptions = OptionsOf<typeof pcaLightingOptions>

export interface LightingParams extends Components {
  /** One per image and component: `alphas[image][component]`. */
  readonly alphas: readonly ArrayLike<number>[]
}

/**
 * Shifts each image's colours along their principal components: image + Σₖ αₖ λₖ vₖ, not clipped.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns images of the same shape; values may exceed 1 or fall below 0
 * @throws RangeError unless there is one alpha per image and component, and one component per channel
 * @example
 * const alphas = [[0.1, 0, -0.05], [0, 0.1, 0]] // for two images
 * applyPcaLighting(images, { alphas, ...cifar10Components })
 * @see Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks"
 */
export function applyPcaLighting(
  images: tf.Tensor4D,
  { alphas, eigenvalues, eigenvectors }: LightingParams,
): tf.Tensor4D {
  const [batch, height, width, channels] = images.shape
  assertFits({ eigenvalues, eigenvectors }, channels, 'eigenvectors')
  const each = alphas.every(
    (own) => own.length === channels && Array.from(own).every(Number.isFinite),
  )
  const range = `${channels} numbers for each of ${batch} images`
  assertArgument(alphas.length === batch && each, 'pca-lighting', { alphas }, range)

  const shifts = alphas.flatMap((own) =>
    eigenvectors.map((row) => row.reduce((sum, v, k) => sum + v * own[k]! * eigenvalues[k]!, 0)),
  )
  return tf.tidy(() => {
    // Row by row: backends are slow at broadcasting over channels.
    const row = tf.tile(tf.tensor3d(shifts, [batch, 1, channels]), [1, 1, width])
    const rows = tf.reshape(images, [batch, height, width * channels])
    return tf.reshape(tf.add(rows, row), images.shape)
  })
}

/** Throws unless there is one component per channel. */
function assertFits(components: Components, channels: number, name: string): void {
  const valid = isComponents(components) && components.eigenvalues.length === channels
  const range = `those of ${channels} channels, as the images have (fitComponents computes them)`
  assertArgument(valid, 'pca-lighting', { [name]: components.eigenvectors }, range)
}

/**
 * Shifts the colours of each image along the data's principal components, with normally distributed alphas, and clips
 * to [0, 1].
 *
 * @throws RangeError for an option out of its range; when a run starts, if the components' channels differ from the
 *   data's
 * @example
 * compose([pcaLighting({ deviation: 0.1 })])
 * @see Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks"
 */
export function pcaLighting({ key, ...given }: PcaLightingOptions = {}): Trick {
  const { deviation, components } = pcaLightingOptions.parse(given)
  const { eigenvalues, eigenvectors } = components
  return {
    name: 'pca-lighting',
    key,
    options: { deviation, components: { eigenvalues, eigenvectors } },
    start: ({ data }) => assertFits(components, data.channels, 'components'),
    images: {
      draw: (random, { batch }): LightingParams => ({
        alphas: random.images(batch, (image) => eigenvalues.map(() => image.normal(0, deviation))),
        eigenvalues,
        eigenvectors,
      }),
      apply: (images, params: LightingParams) =>
        tf.tidy(() => tf.clipByValue(applyPcaLighting(images, params), 0, 1)),
      describe({ alphas }: LightingParams, image) {
        const words = Array.from(alphas[image]!, (alpha) => signed(alpha, 2).replace('0.', '.'))
        return `α ${words.join(' ')}`
      },
    },
  }
}

/**
 * Shifts colours with random alphas, for a loop without a pipeline: `pcaLighting` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]
 * @returns images of the same shape, clipped to [0, 1]
 * @example
 * const lit = pcaLightingBatch(images, { deviation: 0.1, seed: 1, step })
 */
export const pcaLightingBatch = withDraws(pcaLighting)
