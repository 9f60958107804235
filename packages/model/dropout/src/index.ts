import { Dropout } from './layer.ts'
export { Dropout }
export { applyDropout, drawDropout, type DropoutMask, type MaskOptions } from './mask.ts'

export interface DropoutOptions {
  /** The share that is dropped, in [0, 1). */
  readonly rate: number
  /** What is dropped as one: each value, a channel of an image, or a square of a channel; default 'element'. */
  readonly kind?: 'element' | 'channel' | 'block'
  /** The side of a block in pixels, a positive integer; default 7, as in the paper. */
  readonly blockSize?: number
  /** What it draws from in `model.fit`; default 0. In `model.apply(images, { seed, step })` those count. */
  readonly seed?: number
  /** The layer's name. Draws depend on it: name the layer, as tfjs's own names count all that a process made. */
  readonly name?: string
}

/**
 * A dropout layer: in training it sets a share of its input to 0 and scales the rest up, so that the mean stays.
 *
 * y = x · kept / (1 − rate), and for blocks x · kept · count / count kept, of each image.
 *
 * Draws depend on the seed, the layer's name, the step, and the image's place in the batch. Seed and step come as
 * keyword arguments, `model.apply(images, { training: true, seed, step })`: the same step draws the same, and a
 * resumed run goes on as if it had not stopped. In `model.fit`, which passes none, they are the option `seed` and
 * a count of the layer's own, which its config holds, so that a saved model goes on too.
 *
 * @param options.rate in [0, 1)
 * @returns a layer for float32 `[batch, …, channels]`; blocks need `[batch, height, width, channels]`
 * @throws RangeError for an option out of its range
 * @example
 * const model = layers.sequential()
 * model.add(layers.layers.dense({ units: 64, activation: 'relu', inputShape: [128] }))
 * model.add(dropout({ rate: 0.5, name: 'dropout' }))
 * @see Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html; channels: Tompson et al. 2015,
 * https://arxiv.org/abs/1411.4280; blocks: Ghiasi et al. 2018, https://arxiv.org/abs/1810.12890
 */
export function dropout(options: DropoutOptions): Dropout {
  return new Dropout({ ...options })
}
