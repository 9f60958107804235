import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { createRandom } from '@tricks/core'
import { applyStochasticDepth } from './apply.ts'
import { type StochasticDepthOptions, stochasticDepthOptions } from './options.ts'

export { applyStochasticDepth, depthRates } from './apply.ts'
export { type StochasticDepthOptions, stochasticDepthOptions }

/** The options, and the number of training calls without a step, which saved models contain. */
type LayerOptions = StochasticDepthOptions & {
  readonly calls?: number
} & ConstructorParameters<typeof layers.layers.Layer>[0]

/** The layer that `stochasticDepth` creates. */
export class StochasticDepth extends layers.layers.Layer {
  static readonly className: string = 'StochasticDepth'

  readonly rate: number
  readonly mode: 'image' | 'batch'
  readonly seed: number
  private calls: number

  constructor({ rate, mode, seed, calls = 0, ...rest }: LayerOptions = {}) {
    const options = stochasticDepthOptions.parse({ rate, mode, seed, name: rest.name })
    super(rest)
    this.rate = options.rate
    this.mode = options.mode
    this.seed = options.seed
    this.calls = calls
    this.supportsMasking = true
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs
    if (kwargs['training'] !== true || this.rate === 0) return x
    const { seed = this.seed, first = 0 } = kwargs
    const step = kwargs['step'] ?? this.calls++
    const random = createRandom(seed as number)
      .fork(this.name)
      .at(step as number, first as number)
    const kept = (stream: typeof random): number => Number(stream.uniform() >= this.rate)
    const size = x.shape[0]
    const keep =
      this.mode === 'image' ? random.images(size, kept) : Array<number>(size).fill(kept(random))
    return applyStochasticDepth(x, { keep, rate: this.rate })
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { rate, mode, seed, calls } = this
    return { ...super.getConfig(), rate, mode, seed, calls }
  }
}

tf.serialization.registerClass(StochasticDepth)

/**
 * Creates a layer for the end of a residual branch: in training, it drops the branch for some images, and scales it by
 * 1 / (1 − rate) for the others; otherwise it does nothing.
 *
 * Draws depend on the layer's name, the image's index in the batch, and the seed and step passed as
 * `model.apply(images, { training: true, seed, step })`, as `train` does. Without them, as in `model.fit`, they depend
 * on the layer's own seed and on the number of training calls so far.
 *
 * @throws RangeError for an option out of its range
 * @example
 * const layer = stochasticDepth({ rate: 0.1, name: 'drop' })
 * layer.apply(images, { training: true, seed: 1, step })
 * @see Huang et al. 2016, https://arxiv.org/abs/1603.09382
 */
export function stochasticDepth(options: StochasticDepthOptions = {}): StochasticDepth {
  return new StochasticDepth(stochasticDepthOptions.parse(options))
}
