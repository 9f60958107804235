import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Batch, type Trick } from '@tricks/core'
import { arrangePixels, copyBox, withDraws } from '@tricks/core/augmentation'
import { defineOptions, number, type OptionsOf } from '@tricks/core/options'

export const ricapOptions = defineOptions('ricap', {
  /**
   * Boundaries are drawn from Beta(beta, beta) along each axis; a smaller beta keeps more of one image. The default is
   * the paper's.
   */
  beta: number({ above: 0, scale: 'log', default: 0.3 }),
})
export type RicapOptions = OptionsOf<typeof ricapOptions>

/** The draws of RICAP, for patches in the order top left, bottom left, top right, bottom right. */
export interface RicapParams {
  /** Where the four patches meet, [row, column]: from 0 to the height and the width. */
  readonly boundary: readonly [number, number]
  /** The source image of each image's patches: one permutation of the batch per patch. */
  readonly permutations: readonly ArrayLike<number>[]
  /** Where each patch is cut out of its source image, [row, column]. */
  readonly offsets: readonly (readonly [number, number])[]
}

/**
 * Patches four images into one and mixes their targets by the patches' fractions W of the area: Σₖ Wₖ · targetsₖ.
 *
 * @param batch images `[batch, height, width, channels]` and targets `[batch, classes]`
 * @returns a new batch; pixels are copied exactly
 * @throws RangeError if the params or the targets don't fit the images
 * @example
 * const patched = applyRicap(batch, {
 *   boundary: [3, 5],
 *   permutations: [[1, 0], [0, 1], [1, 0], [0, 1]],
 *   offsets: [[0, 0], [3, 3], [1, 1], [2, 0]],
 * })
 * @see Takahashi et al. 2018, https://arxiv.org/abs/1811.09030
 */
export function applyRicap(
  { images, targets }: Batch,
  { boundary, permutations, offsets }: RicapParams,
): Batch {
  const [batch, height, width] = images.shape
  const within = (value: number | undefined, limit: number): boolean =>
    Number.isInteger(value) && value! >= 0 && value! <= limit
  const one = `${batch} rows, one per image`
  assertArgument(targets.shape[0] === batch, 'ricap', { targets: targets.shape }, one)
  const meets = within(boundary?.[0], height) && within(boundary?.[1], width)
  assertArgument(meets, 'ricap', { boundary }, `[row, column] from 0 to ${height} and ${width}`)
  const permutes = (order?: ArrayLike<number>): boolean =>
    order?.length === batch && Array.from(order).every((i) => within(i, batch - 1))
  const permuted = permutations?.length === 4 && permutations.every(permutes)
  const orders = `four lists of ${batch} indices in [0, ${batch})`
  assertArgument(permuted, 'ricap', { permutations }, orders)
  const sizes = patchesOf(boundary, height, width)
  const cut = sizes.every(
    ({ rows, columns }, k) =>
      within(offsets?.[k]?.[0], height - rows) && within(offsets?.[k]?.[1], width - columns),
  )
  assertArgument(cut, 'ricap', { offsets }, 'four [row, column] that keep the patches inside')

  const patched = arrangePixels(images, (image, program) => {
    for (const [k, { top, left, rows, columns }] of sizes.entries())
      copyBox(program, [top, left, rows, columns], permutations[k]![image]!, ...offsets[k]!)
  })
  return tf.tidy(() => {
    const shares = sizes.map(({ rows, columns }, k) => {
      const own = tf.gather(targets, tf.tensor1d(Int32Array.from(permutations[k]!), 'int32'))
      return tf.mul<tf.Tensor2D>(own, (rows * columns) / (height * width))
    })
    return { images: patched, targets: tf.addN(shares) }
  })
}

const patchesOf = ([row, column]: RicapParams['boundary'], height: number, width: number) => [
  { top: 0, left: 0, rows: row, columns: column },
  { top: row, left: 0, rows: height - row, columns: column },
  { top: 0, left: column, rows: row, columns: width - column },
  { top: row, left: column, rows: height - row, columns: width - column },
]

/**
 * Trains on images patched from four, with targets mixed by area.
 *
 * @throws RangeError for a beta of 0 or less
 * @example
 * compose([ricap({ beta: 0.3 })])
 * @see Takahashi et al. 2018, https://arxiv.org/abs/1811.09030
 */
export function ricap({ key, ...given }: RicapOptions = {}): Trick {
  const options = ricapOptions.parse(given)
  const { beta } = options
  return {
    name: 'ricap',
    key,
    options,
    mix: {
      draw(random, { batch, height, width }): RicapParams {
        const row = Math.round(height * random.beta(beta, beta))
        const column = Math.round(width * random.beta(beta, beta))
        const patches = patchesOf([row, column], height, width)
        return {
          boundary: [row, column],
          permutations: patches.map(() => random.permutation(batch)),
          offsets: patches.map(({ rows, columns }) => [
            random.integer(0, height - rows + 1),
            random.integer(0, width - columns + 1),
          ]),
        }
      },
      apply: applyRicap,
      describe: ({ boundary: [row, column] }: RicapParams) => `meet ${row}, ${column}`,
    },
  }
}

/**
 * Patches a batch with random draws, for a loop without a pipeline: `ricap` as a function of `{ images, targets }`.
 *
 * @param batch images `[batch, height, width, channels]` and targets `[batch, classes]`
 * @returns a new batch; pixels are copied exactly
 * @example
 * const patched = ricapBatch({ images, targets }, { beta: 0.3, seed: 1, step })
 */
export const ricapBatch = withDraws(ricap)
