/** A classifier's predictions for labelled images: one row of logits per image. */
export interface Predictions {
  /** `[images, classes]`, row by row. */
  readonly logits: Float32Array
  /** Class indices, `[images]`. */
  readonly labels: Uint8Array | Int32Array | readonly number[]
}

/**
 * Softmax of each row: `[images, classes]`, row by row.
 *
 * @example
 * probabilitiesOf({ logits: Float32Array.of(1, 1), labels: [0] }) // [0.5, 0.5]
 */
export function probabilitiesOf({ logits, labels }: Predictions): Float64Array {
  const classes = logits.length / labels.length
  const probabilities = new Float64Array(logits.length)
  for (let from = 0; from < logits.length; from += classes) {
    const row = logits.subarray(from, from + classes)
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity)
    let sum = 0
    for (let c = 0; c < classes; c++) sum += probabilities[from + c] = Math.exp(row[c]! - most)
    for (let c = 0; c < classes; c++) probabilities[from + c]! /= sum
  }
  return probabilities
}

/**
 * The most likely class of each image; the first one in a tie.
 *
 * @example
 * predictedClasses({ logits: Float32Array.of(2, 1, 0, 3), labels: [0, 0] }) // [0, 1]
 */
export function predictedClasses({ logits, labels }: Predictions): Int32Array {
  const classes = logits.length / labels.length
  return Int32Array.from({ length: labels.length }, (_, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes)
    return row.indexOf(row.reduce((a, b) => Math.max(a, b), -Infinity))
  })
}

/**
 * Counts how often images of one class were predicted as another.
 *
 * @returns counts, `matrix[label][predicted]`
 * @example
 * confusionMatrix({ logits: Float32Array.of(2, 1, 0, 3), labels: [0, 0] }) // [[1, 1], [0, 0]]
 */
export function confusionMatrix(predictions: Predictions): number[][] {
  const classes = predictions.logits.length / predictions.labels.length
  const matrix = Array.from({ length: classes }, () => Array<number>(classes).fill(0))
  predictedClasses(predictions).forEach((predicted, i) => {
    matrix[predictions.labels[i]!]![predicted]!++
  })
  return matrix
}

/** Recall and precision of a class. */
export interface ClassAccuracy {
  readonly images: number
  /** Recall; NaN if the class has no images. */
  readonly accuracy: number
  /** NaN if the class was never predicted. */
  readonly precision: number
}

/**
 * Accuracy and precision of each class, from a confusion matrix.
 *
 * @example
 * classAccuracies([[3, 1], [0, 4]])[0] // of the first class: { images: 4, accuracy: 0.75, precision: 1 }
 */
export function classAccuracies(matrix: readonly (readonly number[])[]): ClassAccuracy[] {
  return matrix.map((row, c) => {
    const images = row.reduce((sum, count) => sum + count, 0)
    const taken = matrix.reduce((sum, other) => sum + other[c]!, 0)
    return { images, accuracy: row[c]! / images, precision: row[c]! / taken }
  })
}

/** Predictions with similar confidence, from `low` (exclusive, except for 0) to `high` (inclusive). */
export interface Bin {
  readonly low: number
  readonly high: number
  readonly count: number
  /** Mean over the bin; NaN if it is empty. */
  readonly confidence: number
  readonly accuracy: number
}

export interface Calibration {
  /** Σ fraction in bin · |accuracy − confidence|. */
  readonly expectedError: number
  /** The largest |accuracy − confidence| over non-empty bins. */
  readonly maximumError: number
  readonly bins: readonly Bin[]
}

/**
 * Expected calibration error over bins of equal width: whether predictions with 80 % confidence are correct 80 % of the
 * time.
 *
 * @param bins number of bins; default 15, as in the paper
 * @example
 * const { expectedError, bins } = calibration({ logits: Float32Array.of(2, 1, 0, 3), labels: [0, 0] })
 * @see Guo et al. 2017, "On calibration of modern neural networks"
 */
export function calibration(predictions: Predictions, bins = 15): Calibration {
  const { labels } = predictions
  const classes = predictions.logits.length / labels.length
  const probabilities = probabilitiesOf(predictions)
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }))
  predictedClasses(predictions).forEach((predicted, i) => {
    const confidence = probabilities[i * classes + predicted]!
    const sum = sums[Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))]!
    sum.count++
    sum.confidence += confidence
    if (predicted === labels[i]) sum.right++
  })
  const filled = sums.map(({ count, confidence, right }, i) => ({
    low: i / bins,
    high: (i + 1) / bins,
    count,
    confidence: confidence / count,
    accuracy: right / count,
  }))
  const gaps = filled
    .filter(({ count }) => count > 0)
    .map(({ count, confidence, accuracy }) => ({ count, gap: Math.abs(accuracy - confidence) }))
  return {
    expectedError: gaps.reduce((sum, { count, gap }) => sum + (count / labels.length) * gap, 0),
    maximumError: gaps.reduce((most, { gap }) => Math.max(most, gap), 0),
    bins: filled,
  }
}

/** A misclassified image. */
export interface Mistake {
  /** The image's index in the set. */
  readonly index: number
  readonly label: number
  readonly predicted: number
  /** Probability of the predicted class. */
  readonly confidence: number
  /** Probability of the true class; the cross-entropy is −log of it. */
  readonly own: number
}

/**
 * The misclassified images, sorted by loss (lowest probability of the true class first) or by confidence.
 *
 * @example
 * const [worst] = mistakes({ logits: Float32Array.of(2, 1, 0, 3), labels: [0, 0] })
 */
export function mistakes(predictions: Predictions, by: 'loss' | 'confidence' = 'loss'): Mistake[] {
  const { logits, labels } = predictions
  const classes = logits.length / labels.length
  const probabilities = probabilitiesOf(predictions)
  const found: Mistake[] = []
  predictedClasses(predictions).forEach((predicted, index) => {
    const label = labels[index]!
    if (predicted === label) return
    const at = (c: number): number => probabilities[index * classes + c]!
    found.push({ index, label, predicted, confidence: at(predicted), own: at(label) })
  })
  return found.toSorted((a, b) =>
    by === 'loss'
      ? a.own - b.own || a.index - b.index
      : b.confidence - a.confidence || a.index - b.index,
  )
}
