import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import {
  checked,
  choice,
  defineOptions,
  defineParameters,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'

const listOf = (range: string, accepts: (value: number) => boolean) =>
  checked<readonly number[]>(
    range,
    (value) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.every((each) => Number.isFinite(each) && accepts(each as number)),
  )
const counts = listOf('a list of numbers above 0, one per class', (value) => value > 0)
const weights = listOf('a list of numbers of at least 0, one per class', (value) => value >= 0)
const normalize = choice(['weights', 'batch'], { default: 'weights' })
const beta = { min: 0, below: 1 } as const

export const classWeightsOptions = defineOptions('class-weights', {
  /** Training images of each class, from which the weights are computed. */
  counts: optional(counts),
  /** With `counts`: near 1, weights are inverse to the counts; at 0, all are 1. */
  beta: number({ ...beta, default: 0.999 }),
  /** The weights themselves, instead of `counts`. */
  weights: optional(weights),
  /** Divide the sum by the weights of the batch's targets, or by its number of images. */
  normalize,
})
export type ClassWeightsOptions = OptionsOf<typeof classWeightsOptions>

/**
 * Weights inverse to the counts of the classes, with a mean of 1: K / nₖ / Σ 1 / n.
 *
 * @param given images of each class, above 0
 * @throws RangeError for a count that isn't above 0
 * @example
 * inverseWeights([300, 100]) // [0.5, 1.5]
 */
export function inverseWeights(given: readonly number[]): number[] {
  assertArgument(counts.accepts(given), 'class-weights', { counts: given }, counts.range)
  return ofMeanOne(given.map((count) => 1 / count))
}

/**
 * Weights inverse to each class's effective number of images, (1 − betaⁿ) / (1 − beta), with a mean of 1.
 *
 * @param given images of each class, above 0
 * @param share beta in [0, 1): 0 gives equal weights, a value near 1 those of `inverseWeights`
 * @throws RangeError for a count that isn't above 0, or another beta
 * @example
 * effectiveNumberWeights([300, 100], 0.99) // [0.8, 1.2]
 * @see Cui et al. 2019, https://arxiv.org/abs/1901.05555
 */
export function effectiveNumberWeights(given: readonly number[], share: number): number[] {
  assertArgument(counts.accepts(given), 'class-weights', { counts: given }, counts.range)
  const kind = classWeightsOptions.kinds.beta
  assertArgument(kind.accepts(share), 'class-weights', { beta: share }, kind.range)
  // 1 − betaⁿ, also accurate for a beta near 1.
  return ofMeanOne(given.map((count) => -1 / Math.expm1(count * Math.log(share))))
}

const ofMeanOne = (values: readonly number[]): number[] => {
  const mean = values.reduce((sum, value) => sum + value) / values.length
  return values.map((value) => value / mean)
}

const rows = checked<tf.Tensor2D>(
  'a tensor [batch, classes]',
  (value) => value instanceof tf.Tensor && value.rank === 2,
)
const parameters = defineParameters('class-weights', {
  logits: rows,
  targets: rows,
  weights,
  normalize,
})

/**
 * Cross-entropy with a weight per class: −Σ wₖ tₖ log pₖ over images and classes, divided by Σ wₖ tₖ, or by the images.
 *
 * @param logits `[batch, classes]`
 * @param targets `[batch, classes]`, rows that sum to 1
 * @param weights one per class, at least 0
 * @param normalize 'weights', the default, as in torch for class indices; 'batch', as in torch for soft targets
 * @returns a scalar
 * @throws RangeError for an option out of its range, or tensors of different shapes
 * @example
 * const weights = inverseWeights([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
 * weightedCrossEntropy({ logits: studentLogits, targets, weights })
 * @see `torch.nn.CrossEntropyLoss`
 */
export function weightedCrossEntropy(given: OptionsOf<typeof parameters>): tf.Scalar {
  const { logits, targets, weights: own, normalize: by } = parameters.parse(given)
  const range = `of the logits' shape [${logits.shape.join(', ')}]`
  assertArgument(
    targets.shape.join() === logits.shape.join(),
    'class-weights',
    { targets: targets.shape },
    range,
  )
  const [batch, classes] = logits.shape
  assertArgument(own.length === classes, 'class-weights', { weights: own }, `${classes} numbers`)
  return tf.tidy(() => {
    const weighted = tf.mul(targets, tf.tensor1d([...own]))
    const sum = tf.neg(tf.sum<tf.Scalar>(tf.mul(weighted, tf.logSoftmax(logits))))
    // A batch may contain only classes of weight 0.
    return tf.div(sum, by === 'batch' ? batch : tf.maximum(tf.sum(weighted), 1e-30))
  })
}

/**
 * Trains with a weight per class, so that rare classes count more. It replaces the loss so far: put it before tricks
 * that add to the loss.
 *
 * @throws RangeError for an option out of its range, and unless exactly one of `counts` and `weights` is passed; at the
 * start of a run, unless there is one per class
 * @example
 * compose([classWeights({ counts: [5000, 500, 50] })])
 * @see Cui et al. 2019, https://arxiv.org/abs/1901.05555
 */
export function classWeights({ key, ...given }: ClassWeightsOptions): Trick {
  const {
    counts: images,
    beta: share,
    weights: fixed,
    normalize: by,
  } = classWeightsOptions.parse(given)
  const one = (images === undefined) !== (fixed === undefined)
  assertArgument(one, 'class-weights', { options: given }, 'one of counts and weights')
  const free = fixed === undefined || given.beta === undefined
  assertArgument(free, 'class-weights', { beta: share }, 'omitted with weights')
  const own = fixed ?? effectiveNumberWeights(images!, share)
  return {
    name: 'class-weights',
    key,
    options: images
      ? { counts: images, beta: share, normalize: by }
      : { weights: own, normalize: by },
    start({ data: { classes } }) {
      const name = images ? 'counts' : 'weights'
      const range = `a list of ${classes} numbers, one per class`
      assertArgument(own.length === classes, 'class-weights', { [name]: images ?? own }, range)
      return null
    },
    loss: (_, { logits, targets }) =>
      weightedCrossEntropy({ logits, targets, weights: own, normalize: by }),
  }
}
