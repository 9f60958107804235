import * as tf from '@tensorflow/tfjs-core'
import { assertOption, type Trick } from '@tricks/core'
import { cifar10Components } from './cifar10.ts'
import type { Components } from './components.ts'
export { cifar10Components } from './cifar10.ts'
export { type Components, fitComponents } from './components.ts'
export { imagenetComponents } from './imagenet.ts'

export interface PcaLightingOptions {
  /** Standard deviation of the alphas, above 0; default 0.1, the paper's. */
  readonly deviation?: number
  /** Of the data's colours, as `fitComponents` gives them; default CIFAR-10's. */
  readonly components?: Components
  /** Tells two of the same trick apart. */
  readonly key?: string
}

export interface LightingParams extends Components {
  /** One an image and component: `alphas[image][component]`. */
  readonly alphas: readonly ArrayLike<number>[]
}

/**
 * Shifts each image's colours along their principal components: image + Σₖ αₖ λₖ vₖ, not clipped.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns as `images`, where bright pixels may pass 1 and dark ones 0
 * @throws RangeError where there is not one alpha an image and component, or not one component a channel
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
  const fits = isSquare({ eigenvalues, eigenvectors }) && eigenvalues.length === channels
  assertOption(
    fits,
    'pca-lighting',
    { eigenvectors },
    `${channels} rows, as images have ${channels} channels`,
  )
  const each = alphas.length === batch && alphas.every(({ length }) => length === channels)
  assertOption(each, 'pca-lighting', { alphas }, `${channels} numbers for each of ${batch} images`)

  const shifts = alphas.flatMap((own) =>
    eigenvectors.map((row) => row.reduce((sum, v, k) => sum + v * own[k]! * eigenvalues[k]!, 0)),
  )
  return tf.tidy(() => {
    // By rows: backends are slow to repeat a pixel's channels.
    const row = tf.tile(tf.tensor3d(shifts, [batch, 1, channels]), [1, 1, width])
    const rows = tf.reshape(images, [batch, height, width * channels])
    return tf.reshape(tf.add(rows, row), images.shape)
  })
}

/** Lists of numbers of a sane size that fit one another. */
function isComponents(value: unknown): value is Components {
  const { eigenvalues, eigenvectors } = (value ?? {}) as Partial<Components>
  const finite = (list: unknown): boolean =>
    Array.isArray(list) && list.length > 0 && list.every((each) => Math.abs(each as number) <= 1e6)
  return (
    finite(eigenvalues) &&
    Array.isArray(eigenvectors) &&
    eigenvectors.every(finite) &&
    isSquare(value as Components)
  )
}

const isSquare = ({ eigenvalues, eigenvectors }: Components): boolean =>
  [eigenvectors, ...eigenvectors].every(({ length }) => length === eigenvalues.length)

/**
 * Changes the light of each image as it varies in the data: alphas from a normal distribution, clipped to [0, 1].
 *
 * @throws RangeError for a deviation that isn't above 0, or components that don't fit one another
 * @example
 * compose([pcaLighting({ deviation: 0.1 })])
 * @see Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks"
 */
export function pcaLighting({
  deviation = 0.1,
  components = cifar10Components,
  key,
}: PcaLightingOptions = {}): Trick {
  const some = deviation > 0 && deviation <= 1e6
  assertOption(some, 'pca-lighting', { deviation }, 'a number above 0, of at most 1e6')
  const square = isComponents(components)
  assertOption(
    square,
    'pca-lighting',
    { components },
    'eigenvalues, and as many rows and columns of eigenvectors',
  )
  const { eigenvalues, eigenvectors } = components
  return {
    name: 'pca-lighting',
    key,
    options: { deviation, components: { eigenvalues, eigenvectors } },
    images: {
      draw: (random, { batch }): LightingParams => ({
        alphas: random.images(batch, (image) => eigenvalues.map(() => image.normal(0, deviation))),
        eigenvalues,
        eigenvectors,
      }),
      apply: (images, params) =>
        tf.tidy(() => tf.clipByValue(applyPcaLighting(images, params as LightingParams), 0, 1)),
    },
  }
}
