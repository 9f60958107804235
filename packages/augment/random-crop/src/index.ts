import type * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import { arrangePixels, copyBox, fillBox, signed, withDraws } from '@tricks/core/augmentation'
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

  const black = new Float32Array(channels)
  return arrangePixels(images, (image, program) => {
    const [top, left] = offsets[image]!
    const [down, right] = [top - padding, left - padding]
    if (mode === 'constant' && Math.abs(down) < height && Math.abs(right) < width) {
      const [rows, columns] = [height - Math.abs(down), width - Math.abs(right)]
      const [row, column] = [Math.max(0, -down), Math.max(0, -right)]
      if (down !== 0) fillBox(program, [down < 0 ? 0 : rows, 0, height - rows, width], black)
      if (right !== 0)
        fillBox(program, [row, right < 0 ? 0 : columns, rows, width - columns], black)
      copyBox(program, [row, column, rows, columns], image, row + down, column + right)
      return
    }
    if (mode === 'constant') return fillBox(program, [0, 0, height, width], black)
    for (const [row, rows, fromRow, stepDown] of segments(down, height, mode))
      for (const [column, columns, fromColumn, stepRight] of segments(right, width, mode))
        copyBox(
          program,
          [row, column, rows, columns],
          image,
          fromRow,
          fromColumn,
          stepDown,
          stepRight,
        )
  })
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

type Segment = readonly [start: number, length: number, from: number, step: number]

/** Where the pixels at 0 … size − 1 come from, if they show those at `shift` …: inside, and before and after it. */
function segments(shift: number, size: number, mode: 'reflect' | 'edge'): Segment[] {
  const begin = Math.max(0, Math.min(size, -shift))
  const end = Math.max(0, Math.min(size, size - shift))
  const mirrored = mode === 'reflect'
  const all: Segment[] = [
    [begin, end - begin, begin + shift, 1],
    [0, begin, mirrored ? -shift : 0, mirrored ? -1 : 0],
    [end, size - end, mirrored ? 2 * (size - 1) - end - shift : size - 1, mirrored ? -1 : 0],
  ]
  return all.filter(([, length]) => length > 0)
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
