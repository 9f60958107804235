import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Tensors } from '@tricks/core'
import { boolean, defineParameters, integer, number, type OptionsOf } from '@tricks/core/options'

export const shape = {
  /** Weight of the previous average at each step. */
  decay: number({ min: 0, max: 1, default: 0.9998 }),
  /** Let the weight grow towards `decay`: 1 − (1 + t / gamma)^−power. */
  warmup: boolean({ default: false }),
  /** With `warmup`: time scale of the growth, in steps. */
  gamma: number({ above: 0, scale: 'log', default: 1 }),
  /** With `warmup`: exponent of the growth; larger is faster. */
  power: number({ above: 0, scale: 'log', default: 2 / 3 }),
  /** With `warmup`: lower bound of the weight. */
  min: number({ min: 0, max: 1, default: 0 }),
}

const parameters = defineParameters('weight-averaging', {
  ...shape,
  after: integer({ min: 0, default: 0 }),
})

/**
 * The weight of the previous average at a step: 0 up to step after + 1, so that the average is a copy, then `decay`;
 * or, with `warmup`, 1 − (1 + (step − after − 1) / gamma)^−power, within [min, decay].
 *
 * @param step number of the update, from 1
 * @param given `decay`, `warmup`, `after` in steps, `gamma`, `power`, `min`
 * @throws RangeError for an option out of its range
 * @example
 * emaDecay(11, { decay: 0.999, warmup: true, power: 1 }) // 10 / 11, or 0.909
 * @see timm's `ModelEmaV3`
 */
export function emaDecay(step: number, given: OptionsOf<typeof parameters> = {}): number {
  const { decay, warmup, after, gamma, power, min } = parameters.parse(given)
  const valid = typeof step === 'number' && step >= 0
  assertArgument(valid, 'weight-averaging', { step }, 'a number of at least 0')
  const t = Math.max(0, step - after - 1)
  if (t === 0) return 0
  return warmup ? Math.max(min, Math.min(decay, 1 - (1 + t / gamma) ** -power)) : decay
}

/**
 * Updates an average with one more value: decay · average + (1 − decay) · value.
 *
 * @param average a tensor, or tensors by path
 * @param value the same
 * @param decay in [0, 1]; n / (n + 1) turns the mean of n values into that of n + 1
 * @returns new tensors, shaped like `average`
 * @throws RangeError for a decay out of its range
 * @example
 * emaUpdate(tf.scalar(1), tf.scalar(3), 0.75) // 1.5
 */
export function emaUpdate<T extends tf.Tensor | Tensors>(average: T, value: T, decay: number): T {
  const kind = shape.decay
  assertArgument(kind.accepts(decay), 'weight-averaging', { decay }, kind.range)
  const update = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
    tf.tidy(() => tf.add(tf.mul(a, decay), tf.mul(b, 1 - decay)))
  if (average instanceof tf.Tensor) return update(average, value as tf.Tensor) as T
  const updated = Object.entries(average).map(([path, own]) => {
    const other = (value as Tensors)[path]
    const range = "a tensor, like the average's entry at that path"
    assertArgument(other !== undefined, 'weight-averaging', { [path]: other }, range)
    return [path, update(own, other)] as const
  })
  return Object.fromEntries(updated) as T
}
