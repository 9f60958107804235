import { assertArgument, type Batch, type Random, type Trick } from '@tricks/core'
import { arrangePixels, copyBox, copyImage, mixPairs, withDraws } from '@tricks/core/augmentation'
import { defineOptions, number, type OptionsOf } from '@tricks/core/options'

export const cutmixOptions = defineOptions('cutmix', {
  /** The fraction λ of the image outside the box is drawn from Beta(alpha, alpha); with 1, it is uniform. */
  alpha: number({ above: 0, scale: 'log', default: 1 }),
})
export type CutmixOptions = OptionsOf<typeof cutmixOptions>

/** A box [row, column, height, width], in pixels. */
export type Box = readonly [number, number, number, number]

export interface CutmixParams {
  /** The box that shows the partner, inside the image; may be empty. */
  readonly box: Box
  /** Each image's partner. */
  readonly permutation: ArrayLike<number>
}

/**
 * Pastes a box of its partner into each image, and mixes targets by the exact area: λ · targets + (1 − λ) ·
 * targets[permutation], where λ is the fraction of the image outside the box.
 *
 * @param batch images `[batch, height, width, channels]` and targets `[batch, classes]`
 * @returns a new batch; pixels are copied exactly
 * @throws RangeError if the box, the permutation or the targets don't fit the images
 * @example
 * const pasted = applyCutmix(batch, { box: [4, 8, 16, 16], permutation: [1, 0] })
 * @see Yun et al. 2019, https://arxiv.org/abs/1905.04899
 */
export function applyCutmix({ images, targets }: Batch, { box, permutation }: CutmixParams): Batch {
  const [batch, height, width] = images.shape
  const one = `${batch} rows, one per image`
  assertArgument(targets.shape[0] === batch, 'cutmix', { targets: targets.shape }, one)
  const partners = Array.from(permutation ?? [])
  const whole = (value: number | undefined, most: number): boolean =>
    Number.isInteger(value) && value! >= 0 && value! <= most
  const permuted = partners.length === batch && partners.every((i) => whole(i, batch - 1))
  const indices = `${batch} indices in [0, ${batch})`
  assertArgument(permuted, 'cutmix', { permutation }, indices)
  const [row, column, rows, columns] = box ?? []
  const inside =
    box?.length === 4 &&
    whole(row, height) &&
    whole(column, width) &&
    whole(rows, height - row) &&
    whole(columns, width - column)
  const range = `[row, column, height, width] inside ${height} × ${width}`
  assertArgument(inside, 'cutmix', { box }, range)

  const pasted = arrangePixels(images, (image, program) => {
    copyImage(program, images.shape, image)
    copyBox(program, [row, column, rows, columns], partners[image]!, row, column)
  })
  const share = (rows * columns) / (height * width)
  return { images: pasted, targets: mixPairs(targets, partners, [1 - share]) }
}

/** One side of the box, clipped at the border, around a centre anywhere in the image, as in the authors' code. */
function sideOf(random: Random, size: number, share: number): readonly [number, number] {
  const half = Math.floor(Math.floor(size * share) / 2)
  const center = random.integer(0, size)
  const start = Math.max(0, center - half)
  return [start, Math.min(size, center + half) - start]
}

/**
 * Trains on images with a box of another image pasted in, with targets mixed by area.
 *
 * @throws RangeError for an alpha that isn't above 0
 * @example
 * compose([sometimes(0.5, cutmix())])
 * @see Yun et al. 2019, https://arxiv.org/abs/1905.04899
 */
export function cutmix({ key, ...given }: CutmixOptions = {}): Trick {
  const options = cutmixOptions.parse(given)
  const { alpha } = options
  return {
    name: 'cutmix',
    key,
    options,
    mix: {
      draw(random, { batch, height, width }): CutmixParams {
        const share = Math.sqrt(1 - random.beta(alpha, alpha))
        const [row, rows] = sideOf(random, height, share)
        const [column, columns] = sideOf(random, width, share)
        return { box: [row, column, rows, columns], permutation: random.permutation(batch) }
      },
      apply: applyCutmix,
      describe: ({ box: [row, column, rows, columns] }: CutmixParams) =>
        `${rows} × ${columns} at ${row}, ${column}`,
    },
  }
}

/**
 * Pastes boxes with random draws, for a loop without a pipeline: `cutmix` as a function of `{ images, targets }`.
 *
 * @param batch images `[batch, height, width, channels]` and targets `[batch, classes]`
 * @returns a new batch; pixels are copied exactly
 * @example
 * const pasted = cutmixBatch({ images, targets }, { alpha: 1, seed: 1, step })
 */
export const cutmixBatch = withDraws(cutmix)
