import type * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import { gatherPixels, signed, withDraws } from '@tricks/core/augmentation'
import { choice, defineOptions, integer, type OptionsOf } from '@tricks/core/options'

export const randomCropOptions = defineOptions('random-crop', {
  /** Pixels added on each side before cropping; the papers' 4 is for 32 × 32. */
  padding: integer({ min: 1, max: 2 ** 20, default: 4 }),
  /** The content of the padding: black, the image mirrored at its border, or its border pixels. */
  mode: choice(['constant', 'reflect', 'edge'], { default: 'constant' }),
})
export type RandomCropOptions = OptionsOf<typeof randomCropOptions>

export interface CropParams {
  /** The window's [row, column] in the padded image, one per image, from 0 to 2 · padding. */
  readonly offsets: readonly (readonly [number, number])[]
  readonly padding: number
  readonly mode: 'constant' | 'reflect' | 'edge'
}

/**
 * Pads each image by `padding` pixels and crops a window of the original size: out[r, c] = padded[r + row, c + column].
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns images of the same shape; pixels are copied exactly
 * @throws RangeError unless there is one valid offset per image, and reflected padding is smaller than the image
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
  const range = `${batch} pairs of integers in [0, ${2 * padding}]`
  assertArgument(valid, 'random-crop', { offsets }, range)
  randomCropOptions.parse({ mode })
  assertMirrored({ padding, mode }, { height, width })

  // The source pixel of each output pixel; 'constant' padding uses one more pixel, which is black.
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

/** Throws if a reflected image doesn't fill its padding. */
function assertMirrored(
  { padding, mode }: Omit<CropParams, 'offsets'>,
  { height, width }: { readonly height: number; readonly width: number },
): void {
  const valid = mode !== 'reflect' || padding < Math.min(height, width)
  const range = `less than the image's ${height}×${width} to mirror it`
  assertArgument(valid, 'random-crop', { padding }, range)
}

/** The source index of an index outside [0, size); -1 for none. */
function outside(index: number, size: number, mode: CropParams['mode']): number {
  if (index >= 0 && index < size) return index
  if (mode === 'constant') return -1
  if (mode === 'edge') return index < 0 ? 0 : size - 1
  return index < 0 ? -index : 2 * (size - 1) - index
}

/**
 * Shifts each image by up to `padding` pixels in each direction, as a random crop of the padded image.
 *
 * @throws RangeError for an option out of its range; when a run starts, for reflected padding as large as the image
 * @example
 * compose([randomCrop({ padding: 4, mode: 'reflect' })])
 * @see He et al. 2016, https://arxiv.org/abs/1512.03385
 */
export function randomCrop({ key, ...given }: RandomCropOptions = {}): Trick {
  const options = randomCropOptions.parse(given)
  const { padding, mode } = options
  return {
    name: 'random-crop',
    key,
    options,
    start: ({ data }) => assertMirrored(options, data),
    images: {
      draw(random, { batch }): CropParams {
        const offsets = random.images(batch, (image) => {
          return [image.integer(0, 2 * padding + 1), image.integer(0, 2 * padding + 1)] as const
        })
        return { offsets, padding, mode }
      },
      apply: applyRandomCrop,
      describe({ offsets, padding: from }: CropParams, image) {
        const [row, column] = offsets[image]!
        return `crop ${signed(row - from)} ${signed(column - from)}`
      },
    },
  }
}

/**
 * Shifts images by random offsets, for a loop without a pipeline: `randomCrop` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns images of the same shape
 * @example
 * const shifted = randomCropBatch(images, { padding: 4, seed: 1, step })
 */
export const randomCropBatch = withDraws(randomCrop)
