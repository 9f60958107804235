import { assertArgument, type Tensors, type Trick, type Variables } from '@tricks/core'
import { trainableOf } from '@tricks/core/model'
import { boolean, defineOptions, number, optional, type OptionsOf } from '@tricks/core/options'
import { clipAdaptively, clipByNorm, clipByValue, limit } from './clip.ts'

export { clipAdaptively, clipByNorm, clipByValue, globalNorm } from './clip.ts'

export const gradientClippingOptions = defineOptions('gradient-clipping', {
  /** Maximum global norm of all gradients. @defaultValue 1, unless `value` or `factor` is set */
  norm: optional(number(limit)),
  /** Maximum absolute value of each element; instead of `norm`. */
  value: optional(number(limit)),
  /**
   * Maximum norm of an output unit's gradient, relative to the norm of its weights; instead of `norm`. The paper uses
   * 0.01.
   */
  factor: optional(number(limit)),
  /** With `factor`: lower bound for the norm of the weights. @defaultValue 0.001 */
  epsilon: optional(number(limit)),
  /** With `factor`: also clip the last layer, which the paper excludes. */
  lastLayer: boolean({ default: false }),
})
export type GradientClippingOptions = OptionsOf<typeof gradientClippingOptions>

/**
 * Clips the gradients before the update: by global norm, by value, or per output unit in proportion to its weights.
 * Pass one of `norm`, `value` and `factor`.
 *
 * @throws RangeError for an option out of its range, for more than one of the three, and for an option that doesn't
 * belong to it
 * @example
 * train({ ...options, tricks: [gradientClipping({ norm: 1 })] })
 * @see Pascanu et al. 2013, https://arxiv.org/abs/1211.5063; Brock et al. 2021, https://arxiv.org/abs/2102.06171
 */
export function gradientClipping({ key, ...given }: GradientClippingOptions = {}): Trick {
  const { norm, value, factor, epsilon = 1e-3, lastLayer } = gradientClippingOptions.parse(given)
  const check = (valid: boolean, option: Readonly<Record<string, unknown>>, range: string): void =>
    assertArgument(valid, 'gradient-clipping', option, range)
  const ways = [norm, value, factor].filter((way) => way !== undefined)
  check(ways.length < 2, { options: given }, 'one of norm, value and factor')
  const adaptive = factor !== undefined
  check(adaptive || given.epsilon === undefined, { epsilon }, 'omitted without factor')
  check(adaptive || !lastLayer, { lastLayer }, 'omitted without factor')

  const common = { name: 'gradient-clipping', key }
  if (adaptive)
    return {
      ...common,
      options: { factor, epsilon, lastLayer },
      gradients: (next, { variables }) => {
        const gradients = next()
        const kept = lastLayer ? {} : lastOf(variables, gradients)
        const others = Object.entries(gradients).filter(([path]) => !(path in kept))
        const clipped = clipAdaptively(variables, Object.fromEntries(others), { factor, epsilon })
        return { ...gradients, ...clipped }
      },
    }
  if (value !== undefined)
    return { ...common, options: { value }, gradients: (next) => clipByValue(next(), value) }
  const most = norm ?? 1
  return { ...common, options: { norm: most }, gradients: (next) => clipByNorm(next(), most) }
}

/** The gradients of the last trained layer. */
function lastOf(variables: Variables, gradients: Tensors): Tensors {
  const layerOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1)
  const last = layerOf(Object.keys(trainableOf(variables)).at(-1) ?? '')
  return Object.fromEntries(Object.entries(gradients).filter(([path]) => layerOf(path) === last))
}
