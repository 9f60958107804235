import { TricksDropout } from './layer.ts'

export { dropoutMask, type MaskOptions } from './mask.ts'
export { TricksDropout }

export interface DropoutOptions {
  /** The share of values that is dropped in training, in [0, 1); default 0.5. */
  readonly rate?: number
  /**
   * What is dropped: each value by itself ('element', the default), a whole channel of an image ('channel'), or
   * squares of a channel ('block').
   */
  readonly mode?: 'element' | 'channel' | 'block'
  /** Side of a square in mode 'block', a positive integer; default 7, the paper's. */
  readonly blockSize?: number
  /** Where a step gives none, as in `model.fit`: a whole number in [0, 2^32); default 0. */
  readonly seed?: number
  /** The layer's name, which its draws depend on. */
  readonly name?: string
}

/**
 * A dropout layer whose draws can be repeated: y = x · mask / (1 − rate) in training, y = x elsewhere.
 *
 * The mask depends on the seed, the layer's name, the step and the image's place in the batch: those that
 * `model.apply(images, { training: true, seed, step })` gives, as `train` does. Without them, as in `model.fit`, it
 * depends on the layer's own seed and on how often the layer was called in training.
 *
 * x is `[batch, …, channels]`, and in mode 'block' `[batch, height, width, channels]`.
 *
 * @throws RangeError for an option out of its range; Error where mode 'block' gets something else than images
 * @example
 * const layer = dropout({ rate: 0.1, mode: 'block', blockSize: 3, name: 'drop' })
 * layer.apply(images, { training: true, seed: 1, step })
 * @see Srivastava et al. 2014, "Dropout"; Tompson et al. 2015, https://arxiv.org/abs/1411.4280;
 * Ghiasi et al. 2018, https://arxiv.org/abs/1810.12890
 */
export function dropout(options: DropoutOptions = {}): TricksDropout {
  return new TricksDropout({ ...options })
}
