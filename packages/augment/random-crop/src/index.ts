import type * as tf from '@tensorflow/tfjs-core'
import { assertOption, gatherPixels, type Trick } from '@tricks/core'

export interface RandomCropOptions {
  /** Pixels added on each side before cutting, a positive integer; default 4, the papers' for 32×32. */
  readonly padding?: number
  /** What the padding shows: black, the image mirrored about its border, or its border's pixels. */
  readonly mode?: 'constant' | 'reflect' | 'edge'
  /** Tells two of the same trick apart. */
  readonly key?: string
}

export interface CropParams {
  /** The window's [row, column] in the padded image, one an image, from 0 to 2 · padding. */
  readonly offsets: readonly (readonly [number, number])[]
  readonly padding: number
  readonly mode: 'constant' | 'reflect' | 'edge'
}

/**
 * Pads each image by `padding` pixels and cuts a window of its size out: out[r, c] = padded[r + row, c + column].
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns as `images`; pixels are copied exactly
 * @throws RangeError where offsets are too few or out of range, or a mirrored padding is wider than the image
 * @example
 * applyRandomCrop(images, { offsets: [[0, 8], [4, 4]], padding: 4, mode: 'constant' }) // for two images
 * @see He et al. 2016, https://arxiv.org/abs/1512.03385
 */
export function applyRandomCrop(
  images: tf.Tensor4D,
  { offsets, padding, mode }: CropParams,
): tf.Tensor4D {
  const [batch, height, width, channels] = images.shape
  const inside = (offset: number): boolean =>
    Number.isInteger(offset) && offset >= 0 && offset <= 2 * padding
  const valid =
    offsets.length === batch && offsets.every((each) => each.length === 2 && each.every(inside))
  const range = `${batch} pairs of whole numbers in [0, ${2 * padding}]`
  assertOption(valid, 'random-crop', { offsets }, range)
  if (mode === 'reflect')
    assertOption(
      padding < Math.min(height, width),
      'random-crop',
      { padding },
      'less than the image to mirror it',
    )

  // Which pixel of the batch each output pixel shows; padding of 'constant' shows one black pixel more.
  const black = batch * height * width
  const source = new Int32Array(black)
  let at = 0
  for (const [image, [top, left]] of offsets.entries())
    for (let r = 0; r < height; r++) {
      const row = outside(r + top - padding, height, mode)
      const first = (image * height + row) * width
      for (let c = 0; c < width; c++) {
        const column = outside(c + left - padding, width, mode)
        source[at++] = row < 0 || column < 0 ? black : first + column
      }
    }
  return gatherPixels(images, source, new Float32Array(channels))
}

/** The place that a place outside [0, size) shows; -1 for none. */
function outside(place: number, size: number, mode: CropParams['mode']): number {
  if (place >= 0 && place < size) return place
  if (mode === 'constant') return -1
  if (mode === 'edge') return place < 0 ? 0 : size - 1
  return place < 0 ? -place : 2 * (size - 1) - place
}

/**
 * Shifts each image by up to `padding` pixels in each direction, as a random crop of the padded image.
 *
 * @throws RangeError for a padding or a mode that is none
 * @example
 * compose([randomCrop({ padding: 4, mode: 'reflect' })])
 * @see He et al. 2016, https://arxiv.org/abs/1512.03385
 */
export function randomCrop({ padding = 4, mode = 'constant', key }: RandomCropOptions = {}): Trick {
  assertOption(
    Number.isInteger(padding) && padding > 0 && padding <= 2 ** 20,
    'random-crop',
    { padding },
    'a positive integer of at most 2^20',
  )
  const modes = ['constant', 'reflect', 'edge']
  assertOption(modes.includes(mode), 'random-crop', { mode }, `one of ${modes.join(', ')}`)
  return {
    name: 'random-crop',
    key,
    options: { padding, mode },
    images: {
      draw(random, { batch }): CropParams {
        const offsets = random.images(batch, (image) => {
          return [image.integer(0, 2 * padding + 1), image.integer(0, 2 * padding + 1)] as const
        })
        return { offsets, padding, mode }
      },
      apply: (images, params) => applyRandomCrop(images, params as CropParams),
    },
  }
}
