import * as tf from '@tensorflow/tfjs-core'
import { type layers, LayersModel } from '@tensorflow/tfjs-layers'
import { fixWeight } from './fix.ts'
import { whitenParameters } from './options.ts'

/**
 * Computes the first convolution of `airbench`, `whiten/conv`, from image patches, and freezes its kernel: the filters
 * are the eigenvectors vᵢ of the patches' covariance divided by √(eigenvalueᵢ + epsilon), followed by their negatives.
 * So, except for epsilon, the outputs of the first half have the identity as covariance.
 *
 * The kernel stays fixed even if the layer is frozen and unfrozen. A saved and reloaded model does not remember this:
 * whiten it again, or set the kernel's `trainable` to false.
 *
 * @param model a model with a layer `whiten/conv` that has twice as many filters as a patch has values
 * @param images normalised as the model expects, `[batch, height, width, channels]`; a few thousand suffice
 * @param options.epsilon positive, default 5e-4
 * @throws RangeError if an option is out of its range; Error for a model without such a layer
 * @example
 * const model = airbench({ seed: 1 })
 * await whiten(model, images)
 * @see Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU, 2024, https://arxiv.org/abs/2404.00498
 */
export async function whiten(
  model: LayersModel,
  images: tf.Tensor4D,
  options: { readonly epsilon?: number } = {},
): Promise<void> {
  const { epsilon } = whitenParameters.parse(options)
  const layer = layersOf(model).find(({ name }) => name === 'whiten/conv')
  const weight = layer?.weights.find(({ originalName }) => originalName === 'whiten/conv/kernel')
  const [size, , channels, filters] = (weight?.shape ?? []) as number[]
  const values = size! ** 2 * channels!
  if (!weight || filters !== 2 * values)
    throw new Error(
      weight
        ? `whiten: expected whiten/conv to have ${2 * values} filters, got ${filters}`
        : 'whiten: expected a model with a layer whiten/conv, such as airbench',
    )

  const covariance = tf.tidy(() => {
    const [batch, height, width] = images.shape
    const [rows, columns] = [height - size! + 1, width - size! + 1]
    const shifted = Array.from({ length: size! ** 2 }, (_, i) =>
      tf.slice(images, [0, Math.floor(i / size!), i % size!, 0], [batch, rows, columns, channels!]),
    )
    const patches = tf.reshape(tf.concat(shifted, 3), [-1, values])
    const centred = tf.sub(patches, tf.mean(patches, 0))
    return tf.div(tf.matMul(tf.transpose(centred), centred), patches.shape[0] - 1)
  })
  const matrix = await covariance.data()
  covariance.dispose()

  const kernel = new Float32Array(values * filters)
  for (const [i, { value, vector }] of eigen(matrix, values).entries())
    for (let index = 0; index < values; index++) {
      const scaled = vector[index]! / Math.sqrt(Math.max(0, value) + epsilon)
      kernel[index * filters + i] = scaled
      kernel[index * filters + values + i] = -scaled
    }
  const whitening = tf.tensor(kernel, weight.shape as number[])
  weight.write(whitening)
  whitening.dispose()
  fixWeight(layer!, weight)
}

/** Including those of nested models. */
const layersOf = (model: LayersModel): layers.Layer[] =>
  model.layers.flatMap((layer) => (layer instanceof LayersModel ? layersOf(layer) : [layer]))

interface Eigen {
  readonly value: number
  /** Has length 1; its largest component is positive. */
  readonly vector: readonly number[]
}

/**
 * The eigenvalues of a symmetric matrix, largest first, by Jacobi's method: each rotation zeroes one pair of
 * off-diagonal entries, and sweeps over all pairs converge quadratically.
 */
export function eigen(matrix: ArrayLike<number>, size: number): Eigen[] {
  const range = Array.from({ length: size }, (_, i) => i)
  const a = range.map((i) => range.map((j) => matrix[i * size + j]!))
  const vectors = range.map((i) => range.map((j) => (i === j ? 1 : 0)))
  const scale = Math.hypot(...a.flat())
  const offDiagonal = (): number => Math.hypot(...a.flatMap((row, i) => row.slice(i + 1)))
  for (let sweep = 0; sweep < 50 && offDiagonal() > 1e-14 * scale; sweep++)
    for (let p = 0; p < size; p++)
      for (let q = p + 1; q < size; q++) {
        if (a[p]![q] === 0) continue
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!)
        const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1))
        const cosine = 1 / Math.hypot(tangent, 1)
        const sine = tangent * cosine
        const rotate = (row: number[]): void => {
          const [x, y] = [row[p]!, row[q]!]
          row[p] = cosine * x - sine * y
          row[q] = sine * x + cosine * y
        }
        a.forEach(rotate)
        for (const column of range) {
          const [x, y] = [a[p]![column]!, a[q]![column]!]
          a[p]![column] = cosine * x - sine * y
          a[q]![column] = sine * x + cosine * y
        }
        vectors.forEach(rotate)
      }
  return range
    .map((i) => {
      const vector = vectors.map((row) => row[i]!)
      const largest = vector.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0)
      return { value: a[i]![i]!, vector: vector.map((x) => (largest < 0 ? -x : x)) }
    })
    .toSorted((first, second) => second.value - first.value)
}
