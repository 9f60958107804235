import { TricksDropout } from './layer.ts'
import { type DropoutOptions, dropoutOptions } from './options.ts'

export { dropoutMask, type MaskOptions } from './mask.ts'
export { type DropoutOptions, dropoutOptions }
export { TricksDropout }

/**
 * A dropout layer with reproducible draws: y = x · mask / (1 − rate) in training, y = x otherwise.
 *
 * The mask depends on the layer's name, the image's index in the batch, and the seed and step passed as
 * `model.apply(images, { training: true, seed, step })`, as `train` does. Without them, as in `model.fit`, it depends
 * on the layer's own seed and on the number of training calls so far.
 *
 * x is `[batch, …, channels]`, and in mode 'block' `[batch, height, width, channels]`.
 *
 * @throws RangeError for an option out of its range; Error if mode 'block' is applied to anything but images
 * @example
 * const layer = dropout({ rate: 0.1, mode: 'block', blockSize: 3, name: 'drop' })
 * layer.apply(images, { training: true, seed: 1, step })
 * @see Srivastava et al. 2014, "Dropout"; Tompson et al. 2015, https://arxiv.org/abs/1411.4280;
 * Ghiasi et al. 2018, https://arxiv.org/abs/1810.12890
 */
export function dropout(options: DropoutOptions = {}): TricksDropout {
  return new TricksDropout(dropoutOptions.parse(options))
}
