import { assertOption, trainableOf, type Trick } from '@tricks/core'
import { checkGain, fill, methods } from './fill.ts'
import {
  type InitializerOptions,
  KaimingNormal,
  XavierNormal,
  XavierUniform,
} from './initializers.ts'

export { fans } from './fill.ts'
export { type InitializerOptions, KaimingNormal, XavierNormal, XavierUniform }

/**
 * An initializer of tfjs-layers: uniform in ±√(6 / (fanIn + fanOut)).
 *
 * The values depend on the seed, the name and the shape alone, so layers of one shape are to have a name each.
 *
 * @throws RangeError for a seed out of its range
 * @example
 * tf.layers.conv2d({ filters: 32, kernelSize: 3, kernelInitializer: xavierUniform({ seed: 1, name: 'conv1' }) })
 * @see Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
 */
export const xavierUniform = (options?: InitializerOptions): XavierUniform =>
  new XavierUniform(options)

/**
 * An initializer of tfjs-layers: normal with mean 0 and deviation √(2 / (fanIn + fanOut)).
 *
 * @throws RangeError for a seed out of its range
 * @example
 * tf.layers.dense({ units: 10, kernelInitializer: xavierNormal({ seed: 2 }) })
 * @see Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
 */
export const xavierNormal = (options?: InitializerOptions): XavierNormal =>
  new XavierNormal(options)

/**
 * An initializer of tfjs-layers, for kernels before a relu: normal with mean 0 and deviation √(2 / fanIn).
 *
 * @throws RangeError for a seed out of its range
 * @example
 * tf.layers.conv2d({ filters: 32, kernelSize: 3, kernelInitializer: kaimingNormal({ seed: 3 }) })
 * @see He et al. 2015, https://arxiv.org/abs/1502.01852
 */
export const kaimingNormal = (options?: InitializerOptions): KaimingNormal =>
  new KaimingNormal(options)

export interface XavierOptions {
  /** How values are drawn; default 'xavierUniform'. */
  readonly method?: 'xavierUniform' | 'xavierNormal' | 'kaimingNormal'
  /** What the deviation is multiplied by, above 0; default 1 (Kaiming's √2 is in its own). */
  readonly gain?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/**
 * Draws all trainable kernels of a model anew where a run starts, each from the run's seed and its own path. A run that
 * goes on from a later step keeps its weights.
 *
 * @throws RangeError for an option out of its range
 * @example
 * train({ model, data, tricks: [xavier()], optimizer, epochs: 10, seed: 1 })
 * @see Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
 */
export function xavier({ method = 'xavierUniform', gain = 1, key }: XavierOptions = {}): Trick {
  const range = methods.map((each) => `'${each}'`).join(' or ')
  assertOption(methods.includes(method), 'xavier', { method }, range)
  checkGain(gain)
  return {
    name: 'xavier',
    key,
    options: { method, gain },
    start({ variables, random, time }) {
      if (time.step > 0) return
      for (const [path, variable] of Object.entries(trainableOf(variables))) {
        if (!/(^|[/_])kernel(-\d+)?$/.test(path)) continue
        const like = countedShape(path, variable.shape)
        const values = fill(method, variable.shape, { random: random.fork(path), gain, like })
        variable.assign(values)
        values.dispose()
      }
    },
  }
}

/** A depthwise kernel, `[height, width, in, multiplier]`, has one input channel for each output. */
function countedShape(path: string, shape: readonly number[]): readonly number[] {
  if (!/depthwise_kernel(-\d+)?$/.test(path)) return shape
  return [...shape.slice(0, -2), 1, shape.at(-1)!]
}
