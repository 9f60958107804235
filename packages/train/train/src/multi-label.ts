// Data with several labels per image: its loss and accuracy, and mean average precision.
import * as tf from '@tensorflow/tfjs-core'
import { accuracy, assertArgument, softmaxCrossEntropy, type Trick } from '@tricks/core'
import type { ImageSet } from './image-set.ts'

type Score = (targets: tf.Tensor2D, logits: tf.Tensor2D) => tf.Scalar

/** The loss and the accuracy for a set. */
export interface Scores {
  readonly loss: Score
  readonly accuracy: Score
}

/**
 * The loss and accuracy for a set's images: cross-entropy and the share of images whose class is predicted. If the set has
 * `targets`, several labels per image: the mean binary cross-entropy, and the share of labels, over all images and classes,
 * that are predicted by the logit's sign.
 *
 * @example
 * const { accuracy } = scoresOf(trainingImages)
 */
export const scoresOf = ({ targets }: Pick<ImageSet, 'targets'>): Scores =>
  targets
    ? { loss: sigmoidCrossEntropy, accuracy: labelAccuracy }
    : { loss: softmaxCrossEntropy, accuracy }

/** The mean over images and classes of −t log σ(z) − (1 − t) log(1 − σ(z)). */
const sigmoidCrossEntropy: Score = (targets, logits) =>
  // −log σ(z) = softplus(−z), −log(1 − σ(z)) = softplus(−z) + z
  tf.tidy(() => tf.mean(tf.sub(tf.softplus(logits), tf.mul(logits, targets))))

/** Targets may be mixed: 0.7 counts 0.7 if the label is predicted, and 0.3 if not. */
const labelAccuracy: Score = (targets, logits) =>
  tf.tidy(() => {
    const predicted = tf.cast(tf.greater(logits, 0), 'float32')
    return tf.sub(1, tf.mean(tf.abs(tf.sub(targets, predicted))))
  })

/** @throws Error for several labels per image if no trick sets the loss: the default is for one label */
export function checkLoss({ targets }: ImageSet, tricks: readonly Trick[]): void {
  const sets = (list: readonly Trick[]): boolean =>
    list.some(({ loss, tricks: inner = [] }) => loss !== undefined || sets(inner))
  if (targets && !sets(tricks))
    throw new Error(
      'train: expected a trick that sets the loss for several labels per image. Add binaryCrossEntropy() or asymmetric() ' +
        'to tricks.',
    )
}

/**
 * Mean average precision, the usual metric for several labels per image: for each class, the mean of the precision at each
 * image that has the label, with images in order of their scores; then the mean over the classes that have images. Images
 * with equal scores count together.
 *
 * @param targets 0 or 1, `[images, classes]` row by row
 * @param scores logits or probabilities in the same order
 * @param classes the number of classes
 * @returns a number in [0, 1]
 * @throws RangeError for lists of different lengths, or that are not whole rows; Error if no image has a label
 * @example
 * meanAveragePrecision([1, 0, 0, 1, 1, 0], [2, -1, 1, 3, 0.5, -2], 2) // 0.9166…: the mean of 5/6 and 1
 * @see scikit-learn's `average_precision_score`
 */
export function meanAveragePrecision(
  targets: ArrayLike<number>,
  scores: ArrayLike<number>,
  classes: number,
): number {
  const positive = Number.isInteger(classes) && classes >= 1
  assertArgument(positive, 'meanAveragePrecision', { classes }, 'a positive integer')
  const rows = targets.length % classes === 0 && targets.length === scores.length
  const range = `of the targets' length, ${targets.length}, in rows of ${classes}`
  assertArgument(rows, 'meanAveragePrecision', { 'number of scores': scores.length }, range)
  const images = targets.length / classes
  const precisions = Array.from({ length: classes }, (_, label) =>
    averagePrecision(
      Array.from({ length: images }, (__, i) => ({
        hit: targets[i * classes + label] === 1,
        score: scores[i * classes + label]!,
      })),
    ),
  ).filter((each) => each !== undefined)
  if (precisions.length === 0)
    throw new Error('meanAveragePrecision: expected targets to have a label, got none')
  return precisions.reduce((sum, each) => sum + each, 0) / precisions.length
}

interface Judged {
  readonly hit: boolean
  readonly score: number
}

/** The sum of each threshold's precision, weighted by the recall that it adds; undefined without hits. */
function averagePrecision(images: readonly Judged[]): number | undefined {
  const order = images.toSorted((a, b) => b.score - a.score)
  let [hits, counted, sum] = [0, 0, 0]
  order.forEach(({ hit, score }, i) => {
    if (hit) hits++
    if (score === order[i + 1]?.score) return
    sum += (hits - counted) * (hits / (i + 1))
    counted = hits
  })
  return hits > 0 ? sum / hits : undefined
}
