import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { assertOption, createRandom } from '@tricks/core'
import type { DropoutOptions } from './index.ts'
import { applyDropout, drawDropout, type MaskOptions } from './mask.ts'

/** The options, and how often the layer has drawn from its own seed, which a saved model's config holds. */
type LayerOptions = DropoutOptions & {
  readonly count?: number
} & ConstructorParameters<typeof layers.layers.Layer>[0]

/** The layer that `dropout` makes. */
export class Dropout extends layers.layers.Layer {
  static readonly className: string = 'TricksDropout'

  readonly mask: MaskOptions
  readonly seed: number
  private count: number

  constructor({
    rate,
    kind = 'element',
    blockSize = 7,
    seed = 0,
    count = 0,
    ...rest
  }: LayerOptions) {
    super(rest)
    const whole = (value: number): boolean => Number.isInteger(value) && value >= 0
    assertOption(rate >= 0 && rate < 1, 'dropout', { rate }, 'a number in [0, 1)')
    const known = ['element', 'channel', 'block'].includes(kind)
    assertOption(known, 'dropout', { kind }, "'element', 'channel' or 'block'")
    assertOption(whole(blockSize) && blockSize > 0, 'dropout', { blockSize }, 'a positive integer')
    assertOption(whole(seed) && seed < 2 ** 32, 'dropout', { seed }, 'a whole number in [0, 2^32)')
    this.mask = { rate, kind, blockSize }
    this.seed = seed
    this.count = count
    this.supportsMasking = true
  }

  override build(inputShape: layers.Shape | layers.Shape[]): void {
    const { length } = inputShape
    if (this.mask.kind === 'block' && length !== 4)
      throw new Error(
        `dropout: blocks need [batch, height, width, channels], got [${String(inputShape)}]: ` +
          `use kind 'element' for '${this.name}'`,
      )
    super.build(inputShape)
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs
    if (kwargs['training'] !== true || this.mask.rate === 0) return x
    const { seed, step, first } = kwargs as Readonly<Record<string, number | undefined>>
    const random =
      seed !== undefined && step !== undefined
        ? createRandom(seed).fork('dropout').fork(this.name).at(step, first)
        : createRandom(this.seed)
            .fork('dropout')
            .fork(this.name)
            .at(this.count++)
    return applyDropout(x, drawDropout(random, x.shape, this.mask))
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.mask, seed: this.seed, count: this.count }
  }
}

tf.serialization.registerClass(Dropout)
