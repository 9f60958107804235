import { createRandom } from '@tricks/core'
import { type ImageSet, type Subset, allImages } from './image-set.ts'

/** The number of images per class. */
export function countsOf(labels: Int32Array, classes: number): number[] {
  const counts = Array<number>(classes).fill(0)
  for (const label of labels) counts[label]!++
  return counts
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

/** The largest validation set for which each class keeps an image for training. */
export const mostValidation = (counts: readonly number[]): number =>
  sum(counts) - counts.filter((count) => count > 0).length

/**
 * How many images of each class to hold out: in proportion to the class sizes, rounded down; the remaining ones go to
 * the classes with the largest remainders that can spare an image.
 */
export function heldOutCounts(counts: readonly number[], validation: number): number[] {
  const quotas = counts.map((count) => (count * validation) / sum(counts))
  const shares = quotas.map(Math.floor)
  const byRemainder = counts
    .map((_, label) => label)
    .toSorted((a, b) => quotas[b]! - shares[b]! - (quotas[a]! - shares[a]!) || a - b)
  for (let rest = validation - sum(shares); rest > 0;)
    for (const label of byRemainder)
      if (rest > 0 && shares[label]! + 1 < counts[label]!) {
        shares[label]!++
        rest--
      }
  return shares
}

/**
 * Holds out images for validation, stratified by class; each class keeps an image for training. The split is the same
 * in every run, for any seed, so that runs can be compared.
 */
export function splitValidation(
  set: ImageSet,
  labels: Int32Array,
  validation: number,
): [training: Subset, heldOut: Subset] {
  const left = heldOutCounts(countsOf(labels, set.classes.length), validation)
  const held = new Uint8Array(labels.length)
  for (const i of createRandom(0).fork('validation split').permutation(labels.length))
    if (left[labels[i]!]! > 0) {
      left[labels[i]!]!--
      held[i] = 1
    }
  // In the set's order, as the training order depends only on the run's seed.
  const { indices } = allImages(set)
  return [
    { set, indices: indices.filter((i) => held[i] === 0) },
    { set, indices: indices.filter((i) => held[i] === 1) },
  ]
}
