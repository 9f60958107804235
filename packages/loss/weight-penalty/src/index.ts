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
  /** Factor of the sum of absolute values. */
  strength: number({ ...strengths, default: 1e-5 }),
  ...besides,
})
export const l2Options = defineOptions('l2', {
  /** Factor of half the sum of squares, the papers' weight decay. */
  strength: number({ ...strengths, default: 5e-4 }),
  ...besides,
})
export type WeightPenaltyOptions = OptionsOf<typeof l1Options>

/**
 * The L1 penalty: strength · Σ|w|, with gradient 0 at w = 0.
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
  // |w| as w · sign w, because tfjs's gradient of |w| at 0 is −1, which would move zero weights away from 0.
  check(l1Options, strength)
  return total(weights, strength, (weight) => tf.mul(weight, tf.sign(weight)))
}

/**
 * The L2 penalty: strength / 2 · Σw², with gradient strength · w, as in torch's and the papers' weight decay.
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
 * Adds the absolute values of the trainable kernels to the loss, which makes many weights 0.
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
          `${name}: there are no trainable variables to penalise: pass the model's variables to pipeline.loss by ` +
            `path, such as block1/conv/kernel, or remove ${name} if its variables are frozen`,
        )
      return penalty(weights, options.strength)
    },
  }
}
