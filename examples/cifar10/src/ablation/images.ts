import { createRandom } from '@tricks/core'
import type { ImageSet } from '@tricks/train'
import { imagesAt } from '../subset.ts'
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
  return { train: imagesAt(set, places.train), measured: imagesAt(set, places.measured) }
}
