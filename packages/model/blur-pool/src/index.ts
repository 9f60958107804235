import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { checked, defineParameters, optional, type OptionsOf } from '@tricks/core/options'
import { applyBlurPool, shape } from './apply.ts'

export { applyBlurPool, applyMaxBlurPool } from './apply.ts'

export const blurPoolOptions = defineParameters('blur-pool', {
  ...shape,
  /** The layer's name. @defaultValue one that tfjs makes */
  name: optional(
    checked<string>('text that is not empty', (value) => typeof value === 'string' && value !== ''),
  ),
  /** The shape of an input without its batch, for the first layer of a model. */
  inputShape: optional(checked<(number | null)[]>('a list of sizes', Array.isArray)),
})
export type BlurPoolOptions = OptionsOf<typeof blurPoolOptions>

type LayerOptions = BlurPoolOptions & ConstructorParameters<typeof layers.layers.Layer>[0]

/** The layer that `blurPool` creates. It has no weights. */
export class BlurPool extends layers.layers.Layer {
  static readonly className: string = 'BlurPool'

  readonly size: number
  readonly stride: number

  constructor({ size, stride, ...rest }: LayerOptions = {}) {
    const options = blurPoolOptions.parse({ size, stride, name: rest.name })
    super(rest)
    this.size = options.size
    this.stride = options.stride
  }

  override computeOutputShape(inputShape: layers.Shape | layers.Shape[]): layers.Shape {
    const [batch, height, width, channels] = inputShape as [number, number, number, number]
    const outputs = (length: number | null): number | null =>
      length === null ? null : Math.floor((length - 1) / this.stride) + 1
    return [batch, outputs(height), outputs(width), channels]
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const { size, stride } = this
    const x = Array.isArray(inputs) ? inputs[0]! : inputs
    return applyBlurPool(x as tf.Tensor4D, { size, stride })
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { size, stride } = this
    return { ...super.getConfig(), size, stride }
  }
}

tf.serialization.registerClass(BlurPool)

/**
 * A layer that blurs with a binomial filter and keeps every stride-th pixel, in place of a stride elsewhere: see
 * `applyBlurPool`.
 *
 * @throws RangeError for an option out of its range
 * @example
 * const half = blurPool({ size: 3, stride: 2 }).apply(images)
 * @see Zhang 2019, https://arxiv.org/abs/1904.11486
 */
export function blurPool(options: BlurPoolOptions = {}): BlurPool {
  return new BlurPool(blurPoolOptions.parse(options))
}
