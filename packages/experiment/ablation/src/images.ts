import { createRandom } from '@tricks/core'
import { imagesAt, type ImageSet } from '@tricks/train'

/**
 * Splits a training set into two disjoint parts: one for training and validation, and one to measure results on. Both
 * are stratified by class; the split is the same in every ablation.
 *
 * @param command with which error messages begin
 * @throws Error if there are fewer images than requested
 * @example
 * const { train, measured } = imagesOf(trainingImages, { train: 20, measured: 10 })
 */
export function imagesOf(
  set: ImageSet,
  sizes: { readonly train: number; readonly measured: number },
  command = 'ablate',
): { readonly train: ImageSet; readonly measured: ImageSet } {
  const total = set.labels.length
  if (sizes.train + sizes.measured > total)
    throw new Error(
      `${command}: expected at most ${total} images in total, got ${sizes.train} for training and ${sizes.measured} to measure on`,
    )
  const counts = Array.from({ length: set.classes.length }, () => 0)
  for (let i = 0; i < total; i++) counts[set.labels[i]!]!++
  const share = (size: number): number[] =>
    counts.map((count) => Math.floor((size * count) / total))
  const [own, measured] = [share(sizes.train), share(sizes.measured)]
  const lacking = set.classes.find((_, c) => counts[c]! > 0 && (own[c] === 0 || measured[c] === 0))
  if (lacking !== undefined)
    throw new Error(
      `${command}: too few images for every class in both parts: '${lacking}' would have none`,
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
