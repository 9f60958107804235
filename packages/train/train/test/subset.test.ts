import { expect, test } from 'vitest'
import { firstOf, imagesAt, type ImageSet } from '../src/index.ts'

const labels = Array.from({ length: 60 }, (_, i) => (i < 50 ? i % 2 : 2))
const set: ImageSet = {
  images: Uint8Array.from({ length: 60 }, (_, i) => i),
  labels,
  height: 1,
  width: 1,
  channels: 1,
  classes: ['a', 'b', 'c'],
}

test.each([
  [3, [1, 1, 1]],
  [10, [3, 3, 4]],
  [40, [15, 15, 10]],
  [60, [25, 25, 10]],
])('%d images are balanced across classes', (limit, counts) => {
  const first = firstOf(set, limit)
  const found = [0, 1, 2].map(
    (label) => [...(first.labels as Uint8Array)].filter((each) => each === label).length,
  )
  expect(found.toSorted((a, b) => a - b)).toEqual(counts.toSorted((a, b) => a - b))
  const images = [...(first.images as Uint8Array)]
  expect(images.map((i) => labels[i])).toEqual([...(first.labels as Uint8Array)])
  expect(new Set(images).size).toBe(limit)
})

test('rejects fewer images than classes', () => {
  expect(() => firstOf(set, 2)).toThrow(
    'train: expected limit to be at least 3, one image per class, got 2',
  )
})

test('reads only the requested pixels of a file', () => {
  const bytes = Uint8Array.from({ length: 24 }, (_, i) => i)
  const read: [number, number][] = []
  const images = {
    length: bytes.length,
    subarray(from: number, to: number) {
      read.push([from, to])
      return bytes.slice(from, to)
    },
  }
  const some = imagesAt({ ...set, images, labels: [0, 1, 2, 0], width: 6 }, [3, 1, 2])
  expect(read).toEqual([])
  expect(some.images.length).toBe(18)
  expect([...(some.labels as Int32Array)]).toEqual([0, 1, 2])
  expect([...some.images.subarray(4, 14)]).toEqual([22, 23, 6, 7, 8, 9, 10, 11, 12, 13])
  expect(read).toEqual([
    [22, 24],
    [6, 12],
    [12, 14],
  ])
  expect([...some.images.subarray(12, 99)]).toEqual([12, 13, 14, 15, 16, 17])
  expect([...some.images.subarray(0, 0)]).toEqual([])
})
