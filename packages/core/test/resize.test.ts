import * as tf from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { resizeWindows } from '../src/augmentation.ts'

const resized = (
  values: readonly number[],
  shape: [number, number, number, number],
  boxes: Parameters<typeof resizeWindows>[1],
  size: readonly [number, number],
): number[] => [...resizeWindows(tf.tensor4d([...values], shape), boxes, size).dataSync()]

/** Compares to the precision of float32. */
function expectEach(found: readonly number[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length)
  expected.forEach((value, i) => expect(found[i], `value ${i}`).toBeCloseTo(value, 5))
}

test('a smaller image averages as many pixels as its own are wide, weighted by a triangle', () => {
  // The centre of the first new pixel is 1, and its triangle reaches from −1 to 3.
  const first = (0.75 * 1 + 0.25 * 2) / (0.75 + 0.75 + 0.25)
  expectEach(resized([0, 1, 2, 3], [1, 1, 4, 1], [[0, 0, 1, 4]], [1, 2]), [first, 3 - first])
  expectEach(resized([0, 1, 2, 3], [1, 4, 1, 1], [[0, 0, 4, 1]], [2, 1]), [first, 3 - first])
  // A factor of 1.5: the centres are 0.75 and 2.25.
  const [near, far] = [1 - 0.25 / 1.5, 1 - 0.75 / 1.5]
  const third = far / (near + far)
  expectEach(resized([0, 1, 2], [1, 1, 3, 1], [[0, 0, 1, 3]], [1, 2]), [third, 2 - third])
})

test('a larger image interpolates between the two nearest pixels', () => {
  const expected = [0, 0.25, 0.75, 1]
  expectEach(resized([0, 1], [1, 1, 2, 1], [[0, 0, 1, 2]], [1, 4]), expected)
  expectEach(resized([0, 1], [1, 2, 1, 1], [[0, 0, 2, 1]], [4, 1]), expected)
})

test('only the pixels of a window count, a window for each image, and channels stay apart', () => {
  const far = 1e6
  // Two images of 3 × 4 pixels with two channels; the second is the negative of the first.
  const image = [
    [far, far, far, far],
    [far, 1, 3, far],
    [far, 5, 7, far],
  ]
  const one = image.flatMap((row) => row.flatMap((value) => [value, 10 * value]))
  const other = [
    [2, 4, far, far],
    [far, far, far, far],
    [far, far, far, far],
  ].flatMap((row) => row.flatMap((value) => [value, 10 * value]))
  const boxes = [
    [1, 1, 2, 2],
    [0, 0, 1, 2],
  ] as const
  const mean = [4, 40]
  expectEach(resized([...one, ...other], [2, 3, 4, 2], boxes, [1, 1]), [...mean, 3, 30])
})

test('a window of the new size is copied exactly', () => {
  const values = Array.from({ length: 60 }, (_, i) => Math.sin(i))
  const copied = resized(values, [1, 5, 4, 3], [[2, 1, 2, 3]], [2, 3])
  const expected = [2, 3].flatMap((row) =>
    [1, 2, 3].flatMap((column) => [0, 1, 2].map((c) => values[(row * 4 + column) * 3 + c]!)),
  )
  expect(copied).toEqual(expected.map(Math.fround))
})

test('leaves no tensor except its result', () => {
  const images = tf.ones<tf.Rank.R4>([2, 4, 4, 3])
  const before = tf.memory().numTensors
  const smaller = resizeWindows(images, Array(2).fill([0, 0, 4, 4]), [3, 2])
  expect(smaller.shape).toEqual([2, 3, 2, 3])
  expect(tf.memory().numTensors).toBe(before + 1)
  tf.dispose([images, smaller])
})
