import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Tensors, type Trick } from '@tricks/core'
import {
  boolean,
  defineOptions,
  defineParameters,
  integer,
  number,
  type OptionsOf,
} from '@tricks/core/options'

const rho = { min: 0, max: 1e6, scale: 'log' } as const

export const sharpnessAwareOptions = defineOptions('sharpness-aware', {
  /** Radius of the neighbourhood: 0.05 to 0.1 for SAM, ten times that for ASAM. */
  rho: number({ ...rho, default: 0.05 }),
  /** Scale the neighbourhood by the size of each weight (ASAM). */
  adaptive: boolean({ default: false }),
  /** Acts every this many steps; other steps use the plain gradient. */
  every: integer({ min: 1, default: 1 }),
})
export type SharpnessAwareOptions = OptionsOf<typeof sharpnessAwareOptions>

const parameters = defineParameters('sharpness-aware', {
  rho: number({ ...rho, default: 0.05 }),
  adaptive: sharpnessAwareOptions.kinds.adaptive,
})

/**
 * Moves weights to the worst point nearby, to first order: w + rho · g / (‖g‖ + 1e-12), or, adaptive, w + rho · w² · g
 * / (‖|w| · g‖ + 1e-12), with one norm over all tensors.
 *
 * @param weights by path
 * @param gradients by path, each of the shape of its weights
 * @param rho at least 0, default 0.05
 * @param adaptive default false
 * @returns new tensors by path
 * @throws RangeError for another rho, or a gradient without weights of its shape
 * @example
 * const weights = { kernel: tf.tensor1d([1, 2]) }
 * const { kernel } = perturb(weights, { kernel: tf.tensor1d([3, 4]) }, { rho: 0.5 }) // [1.3, 2.4]
 * @see Foret et al. 2021, https://arxiv.org/abs/2010.01412; Kwon et al. 2021, https://arxiv.org/abs/2102.11600
 */
export function perturb(
  weights: Tensors,
  gradients: Tensors,
  given: OptionsOf<typeof parameters> = {},
): Tensors {
  const { rho: radius, adaptive } = parameters.parse({ rho: given.rho, adaptive: given.adaptive })
  for (const [path, { shape }] of Object.entries(gradients)) {
    const own = weights[path]?.shape
    const range = `of the shape [${shape.join(', ')}] of its gradient`
    assertArgument(own?.join() === shape.join(), 'sharpness-aware', { [path]: own }, range)
  }
  return tf.tidy(() => {
    const scaled = Object.entries(gradients).map(([path, gradient]) =>
      adaptive ? tf.mul(gradient, tf.abs(weights[path]!)) : gradient,
    )
    const sums = scaled.map((each) => tf.sum<tf.Scalar>(tf.square(each)))
    const norm = tf.sqrt(sums.reduce<tf.Scalar>((a, b) => tf.add(a, b), tf.scalar(0)))
    const scale = tf.div(radius, tf.add(norm, 1e-12))
    const moved = Object.entries(gradients).map(([path, gradient]) => {
      const own = weights[path]!
      const direction = adaptive ? tf.mul(tf.square(own), gradient) : gradient
      return [path, tf.add(own, tf.mul(direction, scale))] as const
    })
    return Object.fromEntries(moved)
  })
}

/**
 * Updates the weights with the gradient at the worst point nearby, so that training finds flat minima. A step needs two
 * passes; the second doesn't update batch normalisation's statistics and repeats dropout's draws.
 *
 * @throws RangeError for an option out of its range
 * @example
 * train({ ...options, tricks: [sharpnessAware({ rho: 0.05, every: 2 })] })
 * @see Foret et al. 2021, https://arxiv.org/abs/2010.01412; Kwon et al. 2021, https://arxiv.org/abs/2102.11600
 */
export function sharpnessAware({ key, ...given }: SharpnessAwareOptions = {}): Trick {
  const options = sharpnessAwareOptions.parse(given)
  const { every, ...how } = options
  return {
    name: 'sharpness-aware',
    key,
    options,
    gradients(next, { variables, time }) {
      const gradients = next()
      if (time.step % every !== 0) return gradients
      const worst = perturb(variables, gradients, how)
      const before = Object.keys(gradients).map((path) => [path, variables[path]!.clone()] as const)
      try {
        for (const [path, value] of Object.entries(worst)) variables[path]!.assign(value)
        return next({ statistics: 'keep' })
      } finally {
        for (const [path, value] of before) variables[path]!.assign(value)
      }
    },
  }
}
