import { createRandom } from '@tricks/core'
import { imagesAt, type ImageSet } from '@tricks/train'

/**
 * Two parts of a training set that have no image in common: what the runs of an ablation train and select on, and what they
 * are measured on. Each has the classes in the set's own proportions; the split is the same in every ablation.
 *
 * @throws Error if there are fewer images than asked for
 * @example
 * const { train, measured } = imagesOf(trainingImages, { train: 20, measured: 10 })
 */
export function imagesOf(
  set: ImageSet,
  sizes: { readonly train: number; readonly measured: number },
): { readonly train: ImageSet; readonly measured: ImageSet } {
  const total = set.labels.length
  if (sizes.train + sizes.measured > total)
    throw new Error(
      `ablate: ${sizes.train} images to train on and ${sizes.measured} to measure on are more than the ${total} that there are`,
    )
  const counts = Array.from({ length: set.classes.length }, () => 0)
  for (let i = 0; i < total; i++) counts[set.labels[i]!]!++
  const share = (size: number): number[] =>
    counts.map((count) => Math.floor((size * count) / total))
  const [own, measured] = [share(sizes.train), share(sizes.measured)]
  const lacking = set.classes.find((_, c) => counts[c]! > 0 && (own[c] === 0 || measured[c] === 0))
  if (lacking !== undefined)
    throw new Error(
      `ablate: too few images for a part of each class to train and to measure on: '${lacking}' has none`,
    )
  const seen = counts.map(() => 0)
  const indices: { train: number[]; measured: number[] } = { train: [], measured: [] }
  for (const index of createRandom(0).fork('ablation').permutation(total)) {
    const label = set.labels[index]!
    const position = seen[label]!++
    if (position < own[label]!) indices.train.push(index)
    else if (position < own[label]! + measured[label]!) indices.measured.push(index)
  }
  return { train: imagesAt(set, indices.train), measured: imagesAt(set, indices.measured) }
}
