import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, outOfRange } from './option.ts'

/**
 * Converts class indices to one-hot targets.
 *
 * @param labels whole numbers in `[0, classes)`, `[batch]`: an array, or an int32 tensor (which is not read back, so an
 *   out-of-range value gives a row of zeros)
 * @returns float32 `[batch, classes]`
 * @param classes a positive integer
 * @throws RangeError if a label of an array, or `classes`, is out of range
 * @example
 * oneHot([2, 0], 3) // [[0, 0, 1], [1, 0, 0]]
 */
export function oneHot(labels: tf.Tensor | ArrayLike<number>, classes: number): tf.Tensor2D {
  assertArgument(
    classes >>> 0 === classes && classes > 0,
    'oneHot',
    { classes },
    'a positive integer',
  )
  const indices =
    labels instanceof tf.Tensor
      ? labels
      : Int32Array.from(labels, (label, i) => {
          if (!(label >>> 0 === label && label < classes))
            throw outOfRange('oneHot', 'labels', `in [0, ${classes})`, label, ` at index ${i}`)
          return label
        })
  return tf.tidy(() => {
    const column = tf.reshape(indices, [-1, 1])
    // Multiplied, not cast: the cpu backend's cast keeps the data's type, boolean, which another backend then reads.
    return tf.mul<tf.Tensor2D>(tf.equal(column, tf.range(0, classes)), 1)
  })
}

/**
 * Cross-entropy with soft targets: the mean over the batch of −Σₖ targetₖ · log softmax(logits)ₖ.
 *
 * @param targets `[batch, classes]`
 * @param logits `[batch, classes]`
 * @returns a scalar
 * @example
 * softmaxCrossEntropy(oneHot([1], 2), tf.tensor2d([[0, 0]])) // log 2
 */
export function softmaxCrossEntropy(targets: tf.Tensor2D, logits: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => tf.neg(tf.mean(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1))))
}

/**
 * Accuracy weighted by soft targets: the mean over the batch of the predicted class's target weight. For one-hot
 * targets this is the fraction of correct predictions; for mixed targets it is RICAP's Σ W_k · accuracy_k.
 *
 * @param targets `[batch, classes]`
 * @param logits `[batch, classes]`
 * @returns a scalar in [0, 1]
 * @example
 * accuracy(tf.tensor2d([[0.7, 0.3]]), tf.tensor2d([[2, 1]])) // 0.7
 */
export function accuracy(targets: tf.Tensor2D, logits: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => {
    const predicted = oneHot(tf.argMax(logits, 1), logits.shape[1])
    return tf.mean(tf.sum(tf.mul(targets, predicted), 1))
  })
}
