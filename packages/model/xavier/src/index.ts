import * as tf from '@tensorflow/tfjs-core'
import { assertOption, type Trick } from '@tricks/core'
import { draw, type Kind, kinds } from './draw.ts'
export { fans } from './draw.ts'
export {
  type InitializerOptions,
  KaimingNormal,
  kaimingNormal,
  XavierNormal,
  xavierNormal,
  XavierUniform,
  xavierUniform,
} from './initializers.ts'

export interface XavierOptions {
  /** What kernels are drawn from; default 'xavier-uniform'. */
  readonly kind?: Kind
  /** What the deviation is multiplied by, above 0; default 1 (√2 is part of Kaiming's own). */
  readonly gain?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/**
 * Draws the trainable kernels anew when a run starts, from the run's seed and each kernel's path; the rest stays.
 *
 * A kernel's deviation is gain · √(2 / (fanIn + fanOut)), or for Kaiming gain · √(2 / fanIn), which keeps the size
 * of what flows forward and back, or of what flows forward through relus.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([xavier()], { seed: 1 })
 * @see Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html; He et al. 2015,
 * https://arxiv.org/abs/1502.01852
 */
export function xavier({ kind = 'xavier-uniform', gain = 1, key }: XavierOptions = {}): Trick {
  assertOption(kinds.includes(kind), 'xavier', { kind }, `one of ${kinds.join(', ')}`)
  assertOption(gain > 0 && Number.isFinite(gain), 'xavier', { gain }, 'a number above 0')
  return {
    name: 'xavier',
    key,
    options: { kind, gain },
    setup({ variables, random }) {
      for (const [path, variable] of Object.entries(variables)) {
        if (!variable.trainable || !isKernel(path)) continue
        const values = draw(kind, random.fork(path), shapeOf(path, variable), gain)
        tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)))
      }
    },
  }
}

const isKernel = (path: string): boolean => /(^|[/_])kernel(-\d+)?$/.test(path)

/** A depthwise kernel, `[height, width, channels, multiplier]`, is one of a single channel for each channel. */
function shapeOf(path: string, { shape }: tf.Variable): readonly number[] {
  const [height, width, channels, multiplier] = shape as [number, number, number, number]
  return /depthwise_kernel(-\d+)?$/.test(path) ? [height, width, 1, channels * multiplier] : shape
}
