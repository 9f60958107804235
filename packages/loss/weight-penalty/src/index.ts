import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick, type Variables } from '@tricks/core'
import { type Role, roleOf, trainableOf } from '@tricks/core/model'
import { boolean, defineOptions, number, type OptionsOf } from '@tricks/core/options'

const strengths = { min: 0, max: 1e6, scale: 'log' } as const
const besides = {
  /** Penalise biases too. */
  biases: boolean({ default: false }),
  /** Penalise the norms' scales and shifts (gamma and beta) too. */
  norms: boolean({ default: false }),
}

export const l1Options = defineOptions('l1', {
  /** What the sum of the absolute values is multiplied by. */
  strength: number({ ...strengths, default: 1e-5 }),
  ...besides,
})
export const l2Options = defineOptions('l2', {
  /** What half the sum of the squares is multiplied by: the papers' weight decay. */
  strength: number({ ...strengths, default: 5e-4 }),
  ...besides,
})
export type WeightPenaltyOptions = OptionsOf<typeof l1Options>

/**
 * strength · Σ|w|, whose gradient at w = 0 is 0.
 *
 * @param weights float32 tensors of any shape
 * @param strength in [0, 1e6]
 * @returns a scalar
 * @throws RangeError for another strength
 * @example
 * l1Penalty([tf.tensor1d([3, -4])], 0.1) // 0.7
 * @see Tibshirani 1996, "Regression shrinkage and selection via the lasso"
 */
export function l1Penalty(weights: readonly tf.Tensor[], strength: number): tf.Scalar {
  // |w| as w · sign w, as tfjs's own gradient of |w| is −1 at 0, which drives away what is there already.
  check(l1Options, strength)
  return total(weights, strength, (weight) => tf.mul(weight, tf.sign(weight)))
}

/**
 * strength / 2 · Σw², whose gradient is strength · w: torch's and the papers' weight decay.
 *
 * @param weights float32 tensors of any shape
 * @param strength in [0, 1e6]
 * @returns a scalar
 * @throws RangeError for another strength
 * @example
 * l2Penalty([tf.tensor1d([3, -4])], 0.1) // 1.25
 * @see Krogh and Hertz 1991, "A simple weight decay can improve generalization"
 */
export function l2Penalty(weights: readonly tf.Tensor[], strength: number): tf.Scalar {
  check(l2Options, strength)
  return total(weights, strength / 2, (weight) => tf.square(weight))
}

function check({ name, kinds }: typeof l1Options, strength: number): void {
  assertArgument(kinds.strength.accepts(strength), name, { strength }, kinds.strength.range)
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
export const l1 = ({ key, ...given }: WeightPenaltyOptions = {}): Trick =>
  weightPenalty('l1', key, l1Options.parse(given), l1Penalty)

/**
 * Adds half the squares of the trainable kernels to the loss, which keeps weights small.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([l2({ strength: 5e-4 })])
 * @see Krogh and Hertz 1991, "A simple weight decay can improve generalization"
 */
export const l2 = ({ key, ...given }: WeightPenaltyOptions = {}): Trick =>
  weightPenalty('l2', key, l2Options.parse(given), l2Penalty)

function weightPenalty(
  name: string,
  key: string | undefined,
  options: ReturnType<(typeof l1Options)['parse']>,
  penalty: typeof l1Penalty,
): Trick {
  const roles: (Role | undefined)[] = [
    'kernel',
    ...(options.biases ? (['bias'] as const) : []),
    ...(options.norms ? (['gamma', 'beta'] as const) : []),
  ]
  const counted = (variables: Variables): tf.Tensor[] =>
    Object.entries(trainableOf(variables))
      .filter(([path]) => roles.includes(roleOf(path)))
      .map(([, variable]) => variable)
  return {
    name,
    key,
    options,
    penalty(variables) {
      const weights = counted(variables)
      if (weights.length === 0)
        throw new Error(
          `${name}: there is no trainable variable to penalise: give pipeline.loss the model's variables by ` +
            `path, such as block1/conv/kernel, or leave ${name} out if those that it counts are frozen`,
        )
      return penalty(weights, options.strength)
    },
  }
}
