import { createRandom } from '@tricks/core'
import type { ImageSet } from '@tricks/train'
import type { Regime } from './ablate.ts'

/** The images of an ablation, all from the training set: the test set is not looked at. */
export function imagesOf(
  set: ImageSet,
  { trainingImages, validationImages, measuredImages }: Regime,
): { train: ImageSet; measured: ImageSet } {
  const classes = set.classes.length
  const [own, measured] = [(trainingImages + validationImages) / classes, measuredImages / classes]
  const seen = Array.from({ length: classes }, () => 0)
  const places: { train: number[]; measured: number[] } = { train: [], measured: [] }
  for (const place of createRandom(0).fork('ablation').permutation(set.labels.length)) {
    const count = seen[set.labels[place]!]!++
    if (count < own) places.train.push(place)
    else if (count < own + measured) places.measured.push(place)
  }
  return { train: pick(set, places.train), measured: pick(set, places.measured) }
}

function pick(set: ImageSet, places: readonly number[]): ImageSet {
  const size = set.height * set.width * set.channels
  const images = new Uint8Array(places.length * size)
  places.forEach((from, to) =>
    images.set(set.images.subarray(from * size, (from + 1) * size), to * size),
  )
  return { ...set, images, labels: Uint8Array.from(places, (from) => set.labels[from]!) }
}
