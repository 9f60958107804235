import * as tf from '@tensorflow/tfjs-core'

// The reference's coefficients: the slope at 0 is steep, and singular values end between about 0.7 and 1.2, not at 1.
const [a, b, c] = [3.4445, -4.775, 2.0315] as const

/**
 * Brings the singular values of a matrix near 1, by the Newton–Schulz iteration in float32:
 * X = M / (‖M‖ + 1e-7), then in each step A = X Xᵀ, X = a X + (b A + c A²) X.
 *
 * @param matrix `[rows, columns]`
 * @param steps number of iterations, at least 1
 * @returns a new matrix of the same shape
 * @example
 * const near = orthogonalize(tf.tensor2d([[3, 1], [0, 2]]), 5)
 */
export function orthogonalize(matrix: tf.Tensor2D, steps: number): tf.Tensor2D {
  return tf.tidy(() => {
    const [rows, columns] = matrix.shape
    // The smaller of the two products.
    const wide = rows <= columns ? matrix : tf.transpose(matrix)
    let x: tf.Tensor2D = tf.div(wide, tf.add(tf.sqrt(tf.sum(tf.square(wide))), 1e-7))
    for (let step = 0; step < steps; step++) {
      const squares: tf.Tensor2D = tf.matMul(x, x, false, true)
      const mixed = tf.add<tf.Tensor2D>(tf.mul(squares, b), tf.mul(tf.matMul(squares, squares), c))
      x = tf.add(tf.mul(x, a), tf.matMul(mixed, x))
    }
    return rows <= columns ? x : tf.transpose(x)
  })
}

/**
 * Rows and columns of a kernel as a matrix, and the factor of its step: √max(1, outputs / inputs) for a matrix, as a
 * wide matrix has fewer singular values; √max(1, height / width) for a filter, as in the authors' code.
 */
export function matrixOf(
  name: string,
  shape: readonly number[],
): {
  readonly shape: readonly [number, number]
  readonly scale: number
} {
  const size = tf.util.sizeFromShape([...shape])
  const outputs = shape.at(-1)!
  if (shape.length === 2)
    return { shape: [size / outputs, outputs], scale: Math.sqrt(Math.max(1, outputs / shape[0]!)) }
  const scale = shape.length === 4 ? Math.sqrt(Math.max(1, shape[0]! / shape[1]!)) : 1
  // A depthwise filter `[height, width, channels, multiplier]` has an output per channel and multiplier.
  const depthwise = shape.length === 4 && /depthwise_kernel(?:[_-]\d+)?$/.test(name)
  const columns = depthwise ? outputs * shape[2]! : outputs
  return { shape: [size / columns, columns], scale }
}
