import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { assertOption, createRandom } from '@tricks/core'
import type { DropoutOptions } from './index.ts'
import { dropoutMask } from './mask.ts'

/** The options, and how often the layer was called in training without a step, which a saved model holds. */
type LayerOptions = DropoutOptions & {
  readonly calls?: number
} & ConstructorParameters<typeof layers.layers.Layer>[0]

/** The layer that `dropout` makes. */
export class TricksDropout extends layers.layers.Layer {
  static readonly className: string = 'TricksDropout'

  readonly rate: number
  readonly mode: 'element' | 'channel' | 'block'
  readonly blockSize: number
  readonly seed: number
  private calls: number

  constructor({
    rate = 0.5,
    mode = 'element',
    blockSize = 7,
    seed = 0,
    calls = 0,
    ...rest
  }: LayerOptions = {}) {
    super(rest)
    const { name } = rest
    const named = name === undefined || (typeof name === 'string' && name !== '')
    assertOption(named, 'dropout', { name }, 'text that is not empty')
    assertOption(rate >= 0 && rate < 1, 'dropout', { rate }, 'a number in [0, 1)')
    const modes = ['element', 'channel', 'block']
    assertOption(modes.includes(mode), 'dropout', { mode }, "'element', 'channel' or 'block'")
    const side = Number.isInteger(blockSize) && blockSize > 0
    assertOption(side, 'dropout', { blockSize }, 'a positive integer')
    const whole = Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32
    assertOption(whole, 'dropout', { seed }, 'a whole number in [0, 2^32)')
    this.rate = rate
    this.mode = mode
    this.blockSize = blockSize
    this.seed = seed
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
