import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { createRandom } from '@tricks/core'
import { dropoutMask } from './mask.ts'
import { type DropoutOptions, dropoutOptions } from './options.ts'

/** The options, and the number of training calls without a step, which saved models contain. */
type LayerOptions = DropoutOptions & {
  readonly calls?: number
} & ConstructorParameters<typeof layers.layers.Layer>[0]

/** The layer that `dropout` creates. */
export class TricksDropout extends layers.layers.Layer {
  static readonly className: string = 'TricksDropout'

  readonly rate: number
  readonly mode: 'element' | 'channel' | 'block'
  readonly blockSize: number
  readonly seed: number
  private calls: number

  constructor({ rate, mode, blockSize, seed, calls = 0, ...rest }: LayerOptions = {}) {
    const options = dropoutOptions.parse({ rate, mode, blockSize, seed, name: rest.name })
    super(rest)
    this.rate = options.rate
    this.mode = options.mode
    this.blockSize = options.blockSize
    this.seed = options.seed
    this.calls = calls
    this.supportsMasking = true
  }

  override build(inputShape: layers.Shape | layers.Shape[]): void {
    if (this.mode === 'block' && inputShape.length !== 4)
      throw new Error(
        `dropout: expected [batch, height, width, channels] in mode 'block', got [${String(inputShape)}]`,
      )
    super.build(inputShape)
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs
    if (kwargs['training'] !== true || this.rate === 0) return x
    const { seed = this.seed, first = 0 } = kwargs
    const step = kwargs['step'] ?? this.calls++
    const random = createRandom(seed as number)
      .fork(this.name)
      .at(step as number, first as number)
    return tf.tidy(() => tf.mul(x, dropoutMask(x.shape, { ...this.options, random })))
  }

  private get options(): { rate: number; mode: TricksDropout['mode']; blockSize: number } {
    const { rate, mode, blockSize } = this
    return { rate, mode, blockSize }
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.options, seed: this.seed, calls: this.calls }
  }
}

tf.serialization.registerClass(TricksDropout)
