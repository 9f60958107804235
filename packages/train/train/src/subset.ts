import { createRandom } from '@tricks/core'
import type { ImageSet, LargerImages, Pixels } from './image-set.ts'

/**
 * A set of the images at the given indices, in that order.
 *
 * @example
 * const two = imagesAt(trainingImages, [3, 1])
 */
export function imagesAt(set: ImageSet, indices: ArrayLike<number>): ImageSet {
  const pixelsOf = <T extends LargerImages>(all: T): T => {
    const view = pixelsAt(all.images, indices, all.height * all.width * set.channels)
    // Pixels in a file may not fit into memory, so they stay there.
    return { ...all, images: ArrayBuffer.isView(all.images) ? view.subarray(0, view.length) : view }
  }
  return {
    ...pixelsOf(set),
    labels: Int32Array.from(indices, (index) => set.labels[index]!),
    ...(set.targets && { targets: targetsAt(set.targets, indices, set.classes.length) }),
    ...(set.larger && { larger: pixelsOf(set.larger) }),
  }
}

const targetsAt = (
  targets: ArrayLike<number>,
  indices: ArrayLike<number>,
  classes: number,
): Uint8Array =>
  Uint8Array.from(
    { length: indices.length * classes },
    (_, i) => targets[indices[Math.floor(i / classes)]! * classes + (i % classes)]!,
  )

/** The pixels of the images at some indices, read on demand. */
function pixelsAt(images: Pixels, indices: ArrayLike<number>, size: number): Pixels {
  const length = indices.length * size
  return {
    length,
    subarray(from, to) {
      const part = new Uint8Array(Math.max(0, Math.min(to, length) - from))
      for (let done = 0; done < part.length;) {
        const index = Math.floor((from + done) / size)
        const skipped = (from + done) % size
        const count = Math.min(size - skipped, part.length - done)
        const start = indices[index]! * size + skipped
        part.set(images.subarray(start, start + count), done)
        done += count
      }
      return part
    },
  }
}

/**
 * The first images of a fixed shuffle, with equally many per class where possible.
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
