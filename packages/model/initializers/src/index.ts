import type { Trick } from '@tricks/core'
import { roleOf, trainableOf } from '@tricks/core/model'
import { fill } from './fill.ts'
import { KaimingNormal, XavierNormal, XavierUniform } from './initializers.ts'
import { type InitializerOptions, type XavierOptions, xavierOptions } from './options.ts'

export { fans } from './fill.ts'
export { KaimingNormal, XavierNormal, XavierUniform }
export {
  type InitializerOptions,
  initializerOptions,
  type XavierOptions,
  xavierOptions,
} from './options.ts'

/**
 * Glorot's uniform initializer for tfjs-layers: uniform in ±√(6 / (fanIn + fanOut)).
 *
 * The values depend only on seed, name and shape, so give layers of equal shape different names.
 *
 * @throws RangeError for a seed out of its range
 * @example
 * tf.layers.conv2d({ filters: 32, kernelSize: 3, kernelInitializer: xavierUniform({ seed: 1, name: 'conv1' }) })
 * @see Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
 */
export const xavierUniform = (options?: InitializerOptions): XavierUniform =>
  new XavierUniform(options)

/**
 * Glorot's normal initializer for tfjs-layers: mean 0 and deviation √(2 / (fanIn + fanOut)).
 *
 * @throws RangeError for a seed out of its range
 * @example
 * tf.layers.dense({ units: 10, kernelInitializer: xavierNormal({ seed: 2 }) })
 * @see Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
 */
export const xavierNormal = (options?: InitializerOptions): XavierNormal =>
  new XavierNormal(options)

/**
 * He's normal initializer for tfjs-layers, for kernels before a relu: mean 0 and deviation √(2 / fanIn).
 *
 * @throws RangeError for a seed out of its range
 * @example
 * tf.layers.conv2d({ filters: 32, kernelSize: 3, kernelInitializer: kaimingNormal({ seed: 3 }) })
 * @see He et al. 2015, https://arxiv.org/abs/1502.01852
 */
export const kaimingNormal = (options?: InitializerOptions): KaimingNormal =>
  new KaimingNormal(options)

/**
 * Reinitializes all trainable kernels of a model when a run starts, from the run's seed and each kernel's path. A run
 * that resumes at a later step keeps its weights.
 *
 * @throws RangeError for an option out of its range
 * @example
 * train({ model, data, tricks: [xavier()], optimizer, epochs: 10, seed: 1 })
 * @see Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
 */
export function xavier({ key, ...given }: XavierOptions = {}): Trick {
  const options = xavierOptions.parse(given)
  const { method, gain } = options
  return {
    name: 'xavier',
    key,
    options,
    start({ variables, random, time }) {
      if (time.step > 0) return
      for (const [path, variable] of Object.entries(trainableOf(variables))) {
        if (roleOf(path) !== 'kernel') continue
        const like = countedShape(path, variable.shape)
        const values = fill(method, variable.shape, { random: random.fork(path), gain, like })
        variable.assign(values)
        values.dispose()
      }
    },
  }
}

/** A depthwise kernel, `[height, width, in, multiplier]`, has one input channel per output. */
function countedShape(path: string, shape: readonly number[]): readonly number[] {
  if (!path.split('/').at(-1)!.startsWith('depthwise_')) return shape
  return [...shape.slice(0, -2), 1, shape.at(-1)!]
}
