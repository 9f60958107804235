import { assertArgument } from '@tricks/core'

/** Outputs for images that the network was not trained on. */
export interface CalibrationData {
  /** `[images, classes]`, row by row, before the softmax. */
  readonly logits: ArrayLike<number>
  /** Class index of each image. */
  readonly labels: ArrayLike<number>
}

/** Bounds of the temperature: beyond them, all classes are equally likely, or one is certain. */
const [lowest, highest] = [1e-3, 1e3]

/**
 * Fits the temperature T for which softmax(logits / T) has the lowest cross-entropy, so that of all predictions with 80 %
 * confidence about 80 % are correct. T is above 1 for an overconfident network, and below 1 for an underconfident one,
 * such as after label smoothing. Predicted classes don't change.
 *
 * With n images, a target is n / (n + 1) for the label's class, plus 1 / (n + 1) spread evenly over all classes: without
 * that, T would be 0 if all predictions were correct.
 *
 * @param data finite logits, and labels in [0, classes), of validation images; training images are fitted too closely,
 *   and test images would no longer measure anything
 * @returns T, in [0.001, 1000]; 1 if the logits of each image are equal
 * @throws RangeError for no images, fewer than two classes, or a logit or label out of its range
 * @example
 * const temperature = fitTemperature({ logits: [3, 0, 3, 0, 3, 0, 3, 0], labels: [0, 0, 0, 1] })
 * const probabilities = tf.softmax(tf.div([3, 0], temperature))
 * @see Guo et al. 2017, https://arxiv.org/abs/1706.04599
 */
export function fitTemperature({ logits, labels }: CalibrationData): number {
  const images = labels.length
  check(images > 0, { labels }, 'one class per image, for at least one image')
  const classes = logits.length / images
  const range = `the same number of values, at least two, for each of ${images} images`
  check(Number.isInteger(classes) && classes > 1, { 'logits.length': logits.length }, range)

  const rows = Array.from({ length: images }, (_, i) => {
    const row = Float64Array.from({ length: classes }, (_each, k) => logits[i * classes + k]!)
    for (const logit of row)
      check(Number.isFinite(logit), { [`logits of image ${i}`]: logit }, 'finite')
    const label = labels[i]!
    const valid = Number.isInteger(label) && label >= 0 && label < classes
    check(valid, { [`labels[${i}]`]: label }, `an integer in [0, ${classes})`)
    const largest = row.reduce((most, logit) => Math.max(most, logit))
    const below = row.map((logit) => logit - largest)
    return { below, target: (images * below[label]! + mean(below)) / (images + 1) }
  })
  if (rows.every(({ below }) => below.every((value) => value === 0))) return 1

  /** Slope of the loss over the inverse temperature, in which the loss is convex. */
  const slopeAt = (inverse: number): number =>
    rows.reduce((sum, { below, target }) => sum + expectation(below, inverse) - target, 0)
  let [low, high] = [Math.log(1 / highest), Math.log(1 / lowest)]
  while (high - low > 1e-9) {
    const middle = (low + high) / 2
    if (slopeAt(Math.exp(middle)) < 0) low = middle
    else high = middle
  }
  return Math.exp(-(low + high) / 2)
}

function check(valid: boolean, argument: Readonly<Record<string, unknown>>, range: string): void {
  assertArgument(valid, 'temperature-calibration', argument, range)
}

const mean = (values: Float64Array): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** The mean of the values, weighted by softmax(inverse · values). None of them is above 0. */
function expectation(values: Float64Array, inverse: number): number {
  let [total, sum] = [0, 0]
  for (const value of values) {
    const weight = Math.exp(inverse * value)
    total += weight
    sum += weight * value
  }
  return sum / total
}
