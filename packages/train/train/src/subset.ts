import { createRandom } from '@tricks/core'
import type { ImageSet } from './image-set.ts'

/**
 * The images at some indices of a set, in that order, as a set of their own.
 *
 * @example
 * const two = imagesAt(trainingImages, [3, 1])
 */
export function imagesAt(set: ImageSet, indices: ArrayLike<number>): ImageSet {
  const size = set.height * set.width * set.channels
  const images = new Uint8Array(indices.length * size)
  const labels = new Int32Array(indices.length)
  for (let to = 0; to < indices.length; to++) {
    const from = indices[to]!
    images.set(set.images.subarray(from * size, (from + 1) * size), to * size)
    labels[to] = set.labels[from]!
  }
  return { ...set, images, labels }
}

/**
 * The first images of a fixed shuffle, equally many of each class as far as the set has them.
 *
 * @throws RangeError for fewer images than classes
 * @example
 * const small = firstOf(trainingImages, 20)
 */
export function firstOf(set: ImageSet, limit: number): ImageSet {
  if (limit < set.classes.length)
    throw new RangeError(
      `train: expected limit to be at least ${set.classes.length}, one image per class, got ${limit}`,
    )
  const seen = set.classes.map(() => 0)
  const order = createRandom(0).fork('limit').permutation(set.labels.length)
  const rounds = Array.from(order, (i) => ({ i, round: seen[set.labels[i]!]!++ }))
  const chosen = rounds.toSorted((a, b) => a.round - b.round).slice(0, limit)
  return imagesAt(
    set,
    chosen.map(({ i }) => i),
  )
}
