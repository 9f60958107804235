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

/** The first images of a fixed shuffle, so that a small set has all classes. */
export function firstOf(set: ImageSet, limit: number): ImageSet {
  const order = createRandom(0).fork('limit').permutation(set.labels.length)
  return imagesAt(set, order.subarray(0, limit))
}
