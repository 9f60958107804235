import * as tf from '@tensorflow/tfjs-core'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { type ImageSet, openData, type TrainingData } from '../src/index.ts'
import { heldOutCounts } from '../src/split.ts'

/** Shuffled grey images, with the given number per class. */
function images(counts: readonly number[]): ImageSet & { labels: Uint8Array } {
  const ordered = counts.flatMap((count, label) => Array<number>(count).fill(label))
  const order = createRandom(3).permutation(ordered.length)
  const labels = Uint8Array.from(order, (i) => ordered[i]!)
  return {
    images: Uint8Array.from({ length: 4 * labels.length }, (_, i) => i),
    labels,
    height: 2,
    width: 2,
    channels: 1,
    classes: counts.map((_, label) => `class ${label}`),
  }
}

const open = (set: ImageSet, validation?: number, seed = 0): TrainingData =>
  openData({ train: set, validation, batchSize: 8, epochs: 1, seed })
const heldOutIndices = ({ heldOut }: TrainingData): number[] => [...(heldOut?.indices ?? [])]
const countsOf = (set: ImageSet, indices: readonly number[]): number[] =>
  set.classes.map((_, label) => indices.filter((i) => set.labels[i] === label).length)

describe('splits are stratified', () => {
  test.each<[number[], number, number[]]>([
    [[10, 10, 10], 3, [1, 1, 1]],
    [[10, 10, 10], 4, [2, 1, 1]],
    [[50, 30, 20], 10, [5, 3, 2]],
    [[50, 30, 20], 11, [6, 3, 2]],
    [[97, 2, 1], 10, [10, 0, 0]],
    [[5, 1, 1], 3, [3, 0, 0]],
    [[1, 1, 1, 17], 5, [0, 0, 0, 5]],
    // The only possible split: eleven of 20 images stay.
    [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 10], 9, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]],
    [[2, 2, 2], 3, [1, 1, 1]],
    [[3, 4], 0, [0, 0]],
    [[3, 4], 5, [2, 3]],
  ])('of %j, %d are %j', (counts, validation, expected) => {
    expect(heldOutCounts(counts, validation)).toEqual(expected)
    const set = images(counts)
    const held = heldOutIndices(open(set, validation))
    expect(countsOf(set, held)).toEqual(expected)
    expect(held).toEqual(held.toSorted((a, b) => a - b))
  })

  test('within one image of the exact proportion, and of the requested size', () => {
    const random = createRandom(11)
    for (let i = 0; i < 300; i++) {
      const counts = Array.from({ length: random.integer(2, 12) }, () => random.integer(1, 60))
      const total = counts.reduce((sum, each) => sum + each)
      const validation = random.integer(0, Math.floor(total / 2))
      const most = total - counts.length
      if (validation > most) continue
      const shares = heldOutCounts(counts, validation)
      expect(shares.reduce((sum, each) => sum + each)).toBe(validation)
      // Classes with one image give none, so others may have to give more.
      const single = counts.filter((count) => count === 1).length
      counts.forEach((count, label) => {
        expect(shares[label]!).toBeLessThan(count)
        const apart = shares[label]! - (count * validation) / total
        expect(apart).toBeGreaterThan(-1)
        if (single === 0) expect(apart).toBeLessThan(1)
      })
    }
  })
})

test('the split is the same whatever the seed, and random within a class', () => {
  const set = images([40, 20])
  const held = heldOutIndices(open(set, 12))
  expect(heldOutIndices(open(set, 12, 99))).toEqual(held)
  // In set order, eight of forty would be the first ones or evenly spaced.
  const indices = [...set.labels.keys()].filter((i) => set.labels[i] === 0)
  const gaps = new Set(held.filter((i) => set.labels[i] === 0).map((i) => indices.indexOf(i) % 5))
  expect(gaps.size).toBeGreaterThan(1)
  expect(indices.indexOf(held.findLast((i) => set.labels[i] === 0)!)).toBeGreaterThan(8)
})

test('every image is trained on or held out, and a class with one image is trained on', () => {
  const set = images([12, 1, 7])
  const data = open(set, 6)
  const held = new Set(heldOutIndices(data))
  const seen = new Map<number, number>()
  for (let step = 0; step < data.stepsPerEpoch; step++)
    for (const label of tf.argMax(data.batch(step).targets, 1).dataSync())
      seen.set(label, (seen.get(label) ?? 0) + 1)
  const kept = countsOf(
    set,
    [...set.labels.keys()].filter((i) => !held.has(i)),
  )
  expect([0, 1, 2].map((label) => seen.get(label))).toEqual(kept)
  expect(kept[1]).toBe(1)
  expect(data.facts.size).toBe(14)
})

test('the default is a tenth, or as many as the classes can spare', () => {
  expect(heldOutIndices(open(images([15, 15])))).toHaveLength(3)
  const single = images(Array<number>(20).fill(1))
  const data = open(single)
  expect(data.heldOut).toBeUndefined()
  expect(data.facts.size).toBe(20)
})

test.each([
  [21, 'got 21'],
  [19, 'at most 18, as each class keeps one for training, got 19'],
  [-1, 'got -1'],
  [0.1, 'got 0.1'],
  [NaN, 'got NaN'],
])('rejects %d of 20 images', (validation, message) => {
  expect(() => open(images([12, 8]), validation)).toThrow(
    'train: expected validation to be a whole number of the 20 training images',
  )
  expect(() => open(images([12, 8]), validation)).toThrow(message)
})

test('reports a class without images', () => {
  expect(() => open({ ...images([9, 0, 8]) }, 2)).toThrow(
    "train: there are no training images of the class 'class 1': add images, or remove it from classes",
  )
})
