import * as tf from '@tensorflow/tfjs-core'
import { assertOption, gatherPixels, type Batch, type Trick } from '@tricks/core'

export interface RicapOptions {
  /** The boundary is drawn from Beta(beta, beta) each way, beta above 0; default 0.3, the paper's. */
  readonly beta?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/** Patches in the order top left, bottom left, top right, bottom right. */
export interface RicapParams {
  /** Where the four patches meet, [row, column]: from 0 to the height and the width. */
  readonly boundary: readonly [number, number]
  /** Which image each patch of each image comes from, a permutation of the batch a patch. */
  readonly permutations: readonly ArrayLike<number>[]
  /** Where in its image each patch is cut out, [row, column]. */
  readonly offsets: readonly (readonly [number, number])[]
}

/**
 * Patches four images into one, and mixes their targets by the patches' shares W of the area: Σₖ Wₖ · targetsₖ.
 *
 * @param batch images `[batch, height, width, channels]` and targets `[batch, classes]`
 * @returns a new batch; pixels are copied exactly
 * @throws RangeError where the params don't fit the batch
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
  const within = (value: number, limit: number): boolean =>
    Number.isInteger(value) && value >= 0 && value <= limit
  const meets = within(boundary[0], height) && within(boundary[1], width)
  assertOption(meets, 'ricap', { boundary }, `[row, column] from 0 to ${height} and ${width}`)
  const permuted = permutations.every(
    (order) => order.length === batch && Array.from(order).every((i) => within(i, batch - 1)),
  )
  const orders = `four lists of ${batch} places in [0, ${batch})`
  assertOption(permutations.length === 4 && permuted, 'ricap', { permutations }, orders)
  const sizes = patchesOf(boundary, height, width)
  const cut = sizes.every(
    ({ rows, columns }, k) =>
      within(offsets[k]?.[0] ?? -1, height - rows) &&
      within(offsets[k]?.[1] ?? -1, width - columns),
  )
  assertOption(cut, 'ricap', { offsets }, 'four [row, column] that keep the patches inside')

  // Which pixel of the batch each output pixel shows.
  const source = new Int32Array(batch * height * width)
  sizes.forEach(({ top, left, rows, columns }, k) => {
    const [row, column] = offsets[k]!
    for (let image = 0; image < batch; image++)
      for (let r = 0; r < rows; r++) {
        const from = (permutations[k]![image]! * height + row + r) * width + column
        const to = (image * height + top + r) * width + left
        for (let c = 0; c < columns; c++) source[to + c] = from + c
      }
  })
  return tf.tidy(() => {
    const shares = sizes.map(({ rows, columns }, k) => {
      const own = tf.gather(targets, tf.tensor1d(Int32Array.from(permutations[k]!), 'int32'))
      return tf.mul<tf.Tensor2D>(own, (rows * columns) / (height * width))
    })
    return {
      images: gatherPixels(images, source),
      targets: tf.addN(shares),
    }
  })
}

const patchesOf = ([row, column]: RicapParams['boundary'], height: number, width: number) => [
  { top: 0, left: 0, rows: row, columns: column },
  { top: row, left: 0, rows: height - row, columns: column },
  { top: 0, left: column, rows: row, columns: width - column },
  { top: row, left: column, rows: height - row, columns: width - column },
]

/**
 * Trains on images patched from four, with their targets mixed by area.
 *
 * @throws RangeError for a beta that isn't above 0
 * @example
 * compose([ricap({ beta: 0.3 })])
 * @see Takahashi et al. 2018, https://arxiv.org/abs/1811.09030
 */
export function ricap({ beta = 0.3, key }: RicapOptions = {}): Trick {
  assertOption(beta > 0 && Number.isFinite(beta), 'ricap', { beta }, 'a number above 0')
  return {
    name: 'ricap',
    key,
    options: { beta },
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
      apply: (batch, params) => applyRicap(batch, params as RicapParams),
    },
  }
}
