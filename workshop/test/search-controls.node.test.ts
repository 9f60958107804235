// The data of bench/search, on which a search for an augmentation is checked.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRandom } from '@tricks/core'
import { drawPopulationPolicy, randomPolicy } from '@tricks/policy-search'
import type { ImageSet } from '@tricks/train'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { ofPolicy, ofRandom, ofSchedule, relative } from '../../bench/search/exposure.ts'
import {
  plant,
  rotateChannels,
  rotateQuarter,
  someOf,
  writePictures,
} from '../../bench/search/plant.ts'

const [side, count] = [4, 60]
const size = side * side * 3
const random = createRandom(1)
const set: ImageSet = {
  images: Uint8Array.from({ length: count * size }, () => random.integer(0, 256)),
  labels: Int32Array.from({ length: count }, (_, i) => i % 3),
  height: side,
  width: side,
  channels: 3,
  classes: ['a', 'b', 'c'],
}
const imageOf = ({ images }: ImageSet, i: number): Uint8Array =>
  Uint8Array.from(images.subarray(i * size, (i + 1) * size))

test('channels and quarters are rotated', () => {
  const pixel = { ...set, height: 1, width: 1 }
  expect([...rotateChannels(Uint8Array.of(1, 2, 3), pixel)]).toEqual([3, 1, 2])
  const square = { ...set, height: 2, width: 2, channels: 1 }
  // 1 2 becomes 2 4
  // 3 4         1 3
  expect([...rotateQuarter(Uint8Array.of(1, 2, 3, 4), square)]).toEqual([2, 4, 1, 3])
  let image = imageOf(set, 0)
  for (let i = 0; i < 3; i++) image = rotateChannels(image, set)
  expect(image).toEqual(imageOf(set, 0))
  for (let i = 0; i < 4; i++) image = rotateQuarter(image, set)
  expect(image).toEqual(imageOf(set, 0))
})

test.each([
  ['colours', rotateChannels],
  ['rotations', rotateQuarter],
] as const)('%s: half of each class has another label', (control, change) => {
  const planted = plant(set, control, 1)
  expect(planted.classes).toHaveLength(6)
  for (let label = 0; label < 6; label++)
    expect(Array.from(planted.labels).filter((each) => each === label)).toHaveLength(10)
  for (let i = 0; i < count; i++) {
    const before = set.labels[i]!
    const isChanged = planted.labels[i] === before + 3
    if (!isChanged) expect(planted.labels[i]).toBe(before)
    const expected = isChanged ? change(imageOf(set, i), set) : imageOf(set, i)
    expect(imageOf(planted, i)).toEqual(expected)
  }
  expect(plant(set, control, 1)).toEqual(planted)
  expect(plant(set, control, 2).labels).not.toEqual(planted.labels)
})

test('shuffled: the same labels on other images', () => {
  const { images, labels } = plant(set, 'shuffled', 1)
  expect(images).toBe(set.images)
  expect(Int32Array.from(labels).toSorted()).toEqual(Int32Array.from(set.labels).toSorted())
  const kept = Array.from(labels).filter((label, i) => label === set.labels[i])
  expect(kept.length).toBeLessThan(count / 2)
})

test('pictures hold the pixels, in a folder per class', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'controls-'))
  const some = someOf(set, 6, 1)
  expect(Array.from(some.labels)).toEqual([0, 0, 1, 1, 2, 2])
  writePictures(some, folder)
  expect(readdirSync(folder)).toEqual(['a', 'b', 'c'])
  const pixels = await sharp(join(folder, 'b', '3.png'))
    .removeAlpha()
    .raw()
    .toBuffer()
  expect(Uint8Array.from(pixels)).toEqual(imageOf(some, 3))
  rmSync(folder, { recursive: true })
})

test('exposure to operations', () => {
  const { Rotate, Invert, Color } = ofPolicy([
    [
      ['Rotate', 0.5, 9],
      ['Invert', 0.2, null],
    ],
    [['Rotate', 1, 3]],
  ])
  expect(Rotate).toBeCloseTo(0.25 + 1 / 6)
  expect(Invert).toBeCloseTo(0.1)
  expect(Color).toBe(0)
  const schedule = [
    { until: 0.25, policy: [] },
    { until: 1, policy: [['Rotate', 10, 3] as const, ['Invert', 4, 0] as const] },
  ]
  // Of 0, 1 or 2 operations per image (with 0.2, 0.3 and 0.5), the first is Invert with 0.5 × 0.4.
  const [rotated, inverted] = [0.3 * 0.8 + 0.5, 0.3 * 0.2 + 0.5 * 0.4]
  const used = ofSchedule(schedule)
  expect(Math.abs(used.Rotate! - (0.75 * rotated * 3) / 9)).toBeLessThan(0.02)
  expect(Math.abs(used.Invert! - 0.75 * inverted)).toBeLessThan(0.05)
  for (const kind of ['policy', 'schedule'] as const) {
    const usual = ofRandom(kind)
    const own =
      kind === 'policy'
        ? ofPolicy(randomPolicy(createRandom(1), 10_000))
        : ofSchedule(
            Array.from({ length: 400 }, (_, i) => ({
              until: (i + 1) / 400,
              policy: drawPopulationPolicy(createRandom(7).at(i)),
            })),
          )
    for (const ops of [['Color', 'Invert'], ['Rotate'], ['Cutout', 'ShearX']])
      expect(Math.abs(relative(own, usual, ops) - 1)).toBeLessThan(0.1)
  }
})
