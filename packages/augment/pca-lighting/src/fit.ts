import type { Components } from './components.ts'

/**
 * Computes the principal components of a data set's colours, largest variance first: the eigenvectors of the sample
 * covariance of the channels over all pixels.
 *
 * @param pixels the channels of one pixel after another, as `[count, height, width, channels]` is laid out in memory:
 *   bytes, or numbers in [0, 1]
 * @param channels default 3
 * @throws RangeError for fewer than two pixels, a length that isn't a multiple of the channels, or numbers far outside
 *   [0, 1]
 * @example
 * const { eigenvalues, eigenvectors } = fitComponents(pixels)
 * @see Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks"
 */
export function fitComponents(pixels: Uint8Array | ArrayLike<number>, channels = 3): Components {
  const count = pixels.length / channels
  if (!Number.isInteger(count) || count < 2)
    throw new RangeError(
      `fitComponents: expected two pixels or more of ${channels} channels, got ${pixels.length} numbers`,
    )
  const scale = pixels instanceof Uint8Array || pixels instanceof Uint8ClampedArray ? 1 / 255 : 1
  const mean = Array.from({ length: channels }, () => 0)
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i]! * scale
    // Resampling may exceed [0, 1] slightly; bytes in a plain array exceed it by far.
    if (!(value >= -0.5 && value <= 1.5))
      throw new RangeError(
        `fitComponents: expected bytes or numbers in [0, 1], got ${pixels[i]}. Divide by 255, or pass a Uint8Array.`,
      )
    mean[i % channels]! += value / count
  }
  const covariance = mean.map(() => mean.map(() => 0))
  for (let i = 0; i < pixels.length; i += channels)
    for (let a = 0; a < channels; a++)
      for (let b = 0; b <= a; b++)
        covariance[a]![b]! +=
          (pixels[i + a]! * scale - mean[a]!) * (pixels[i + b]! * scale - mean[b]!)
  for (let a = 0; a < channels; a++)
    for (let b = 0; b <= a; b++)
      covariance[a]![b] = covariance[b]![a] = covariance[a]![b]! / (count - 1)

  const vectors = diagonalize(covariance)
  const order = mean.map((_, i) => i).toSorted((a, b) => covariance[b]![b]! - covariance[a]![a]!)
  return {
    eigenvalues: order.map((i) => covariance[i]![i]!),
    eigenvectors: vectors.map((row) => order.map((i) => row[i]!)),
  }
}

/** Jacobi's method: rotates pairs of axes until the matrix is diagonal; returns the axes as columns. */
function diagonalize(matrix: number[][]): number[][] {
  const size = matrix.length
  const vectors = matrix.map((row, a) => row.map((_, b) => Number(a === b)))
  for (let sweep = 0; sweep < 30; sweep++)
    for (let p = 0; p < size; p++)
      for (let q = p + 1; q < size; q++) {
        const angle = Math.atan2(2 * matrix[p]![q]!, matrix[q]![q]! - matrix[p]![p]!) / 2
        const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
        const turn = (rows: number[][]): void => {
          for (const row of rows)
            [row[p], row[q]] = [cos * row[p]! - sin * row[q]!, sin * row[p]! + cos * row[q]!]
        }
        turn(matrix)
        const [up, uq] = [matrix[p]!, matrix[q]!]
        matrix[p] = up.map((value, i) => cos * value - sin * uq[i]!)
        matrix[q] = up.map((value, i) => sin * value + cos * uq[i]!)
        turn(vectors)
      }
  // The sign of a component is arbitrary: positive is chosen to be brighter.
  for (let i = 0; i < size; i++)
    if (vectors.reduce((sum, row) => sum + row[i]!, 0) < 0)
      for (const row of vectors) row[i] = -row[i]!
  return vectors
}
