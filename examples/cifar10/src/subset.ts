import { createRandom } from '@tricks/core'
import type { ImageSet } from '@tricks/train'

/** The images at some places of a set, in that order, as a set of their own. */
export function imagesAt(set: ImageSet, places: ArrayLike<number>): ImageSet {
  const size = set.height * set.width * set.channels
  const images = new Uint8Array(places.length * size)
  const labels = new Uint8Array(places.length)
  for (let to = 0; to < places.length; to++) {
    const from = places[to]!
    images.set(set.images.subarray(from * size, (from + 1) * size), to * size)
    labels[to] = set.labels[from]!
  }
  return { ...set, images, labels }
}

/**
 * The first images of a fixed shuffle, as many of each class as of the others, as far as the set has them.
 *
 * @throws Error for fewer images than classes
 */
export function firstOf(set: ImageSet, limit: number): ImageSet {
  if (limit < set.classes.length)
    throw new RangeError(
      `--limit: expected at least ${set.classes.length} images, one per class, got ${limit}`,
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
