import { TricksDropout } from './layer.ts'
import { type DropoutOptions, dropoutOptions } from './options.ts'

export { dropoutMask, type MaskOptions } from './mask.ts'
export { type DropoutOptions, dropoutOptions }
export { TricksDropout }

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
  return new TricksDropout(dropoutOptions.parse(options))
}
