import * as tf from '@tensorflow/tfjs-core'
import { assertOption, trainableOf, type Trick, type Variables } from '@tricks/core'

export interface WeightPenaltyOptions {
  /** What the penalty is multiplied by, at least 0; default 1e-5 for `l1`, 5e-4 for `l2`. */
  readonly strength?: number
  /** Whether biases count too; default false. */
  readonly biases?: boolean
  /** Whether the norms' scales and shifts (gamma and beta) count too; default false. */
  readonly norms?: boolean
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/**
 * strength · Σ|w|, whose gradient at w = 0 is 0.
 *
 * @param weights float32 tensors of any shape
 * @param strength at least 0
 * @returns a scalar
 * @example
 * l1Penalty([tf.tensor1d([3, -4])], 0.1) // 0.7
 * @see Tibshirani 1996, "Regression shrinkage and selection via the lasso"
 */
export function l1Penalty(weights: readonly tf.Tensor[], strength: number): tf.Scalar {
  // |w| as w · sign w, as tfjs's own gradient of |w| is −1 at 0, which drives away what is there already.
  return total(weights, strength, (weight) => tf.mul(weight, tf.sign(weight)))
}

/**
 * strength / 2 · Σw², whose gradient is strength · w: torch's and the papers' weight decay.
 *
 * @param weights float32 tensors of any shape
 * @param strength at least 0
 * @returns a scalar
 * @example
 * l2Penalty([tf.tensor1d([3, -4])], 0.1) // 1.25
 * @see Krogh and Hertz 1991, "A simple weight decay can improve generalization"
 */
export function l2Penalty(weights: readonly tf.Tensor[], strength: number): tf.Scalar {
  return total(weights, strength / 2, (weight) => tf.square(weight))
}

function total(
  weights: readonly tf.Tensor[],
  factor: number,
  of: (weight: tf.Tensor) => tf.Tensor,
): tf.Scalar {
  return tf.tidy(() => {
    const sums = weights.map((weight) => tf.sum<tf.Scalar>(of(weight)))
    return tf.mul<tf.Scalar>(
      sums.reduce((a, b) => tf.add(a, b), tf.scalar(0)),
      factor,
    )
  })
}

/**
 * Adds the absolute values of the trainable kernels to the loss, which drives many weights to 0.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([l1({ strength: 1e-5 })])
 * @see Tibshirani 1996, "Regression shrinkage and selection via the lasso"
 */
export const l1 = (options: WeightPenaltyOptions = {}): Trick =>
  weightPenalty('l1', l1Penalty, { ...options, strength: options.strength ?? 1e-5 })

/**
 * Adds half the squares of the trainable kernels to the loss, which keeps weights small.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([l2({ strength: 5e-4 })])
 * @see Krogh and Hertz 1991, "A simple weight decay can improve generalization"
 */
export const l2 = (options: WeightPenaltyOptions = {}): Trick =>
  weightPenalty('l2', l2Penalty, { ...options, strength: options.strength ?? 5e-4 })

function weightPenalty(
  name: string,
  penalty: typeof l1Penalty,
  {
    strength,
    biases = false,
    norms = false,
    key,
  }: WeightPenaltyOptions & { readonly strength: number },
): Trick {
  const valid = strength >= 0 && strength <= 1e6
  assertOption(valid, name, { strength }, 'a number of at least 0 and at most 1e6')
  assertOption(typeof biases === 'boolean', name, { biases }, 'true or false')
  assertOption(typeof norms === 'boolean', name, { norms }, 'true or false')
  // The last part of the path, with the number that tells two of one name apart.
  const counts = new RegExp(
    `(^|/)(([a-z]+_)?kernel${biases ? '|bias' : ''}${norms ? '|gamma|beta' : ''})(-\\d+)?$`,
  )
  const counted = (variables: Variables): tf.Tensor[] =>
    Object.entries(trainableOf(variables))
      .filter(([path]) => counts.test(path))
      .map(([, variable]) => variable)
  return {
    name,
    key,
    options: { strength, biases, norms },
    penalty(variables) {
      const weights = counted(variables)
      if (weights.length === 0)
        throw new Error(
          `${name}: there is no trainable variable to penalise: give pipeline.loss the model's variables by ` +
            `path, such as block1/conv/kernel, or leave ${name} out if those that it counts are frozen`,
        )
      return penalty(weights, strength)
    },
  }
}
