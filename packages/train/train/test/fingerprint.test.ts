import { createHash } from 'node:crypto'
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import { expect, test } from 'vitest'
import type { ImageSet } from '../src/index.ts'
import { imagesFingerprint, labelsFingerprint, tensorsFingerprint } from '../src/fingerprint.ts'

const size = 100
const setOf = (images: ImageSet['images']): ImageSet => ({
  images,
  labels: new Uint8Array(images.length / size),
  height: 10,
  width: 10,
  channels: 1,
  classes: ['a', 'b'],
})
const images = Uint8Array.from({ length: 30 * size }, (_, i) => (i * 7919) % 251)
const sha256 = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex').slice(0, 16)

test('for a small set, it is the hash of all bytes', () => {
  expect(imagesFingerprint(setOf(images))).toBe(sha256(images))
  const large = Uint8Array.from({ length: 2 ** 21 + 4 * size }, (_, i) => i % 251)
  expect(imagesFingerprint(setOf(large))).toBe(sha256(large))
  expect(imagesFingerprint(setOf(new Uint8ClampedArray(images)))).toBe(sha256(images))
})

test('for a large set, it is the hash of the middle of each image', () => {
  const middles = [...Array(30).keys()].flatMap((i) => [
    ...images.subarray(i * size + 40, i * size + 60),
  ])
  expect(imagesFingerprint(setOf(images), 600)).toBe(sha256(Uint8Array.from(middles)))
  const read: [number, number][] = []
  const file = {
    length: images.length,
    subarray: (a: number, b: number) => (read.push([a, b]), images.slice(a, b)),
  }
  imagesFingerprint(setOf(file), 600)
  expect(read).toEqual([...Array(30).keys()].map((i) => [i * size + 40, i * size + 60]))
  // Each image counts, even if its part is less than a byte.
  expect(imagesFingerprint(setOf(images.with(2999 - 50, 0)), 20)).not.toBe(
    imagesFingerprint(setOf(images), 20),
  )
})

test('swapping two images changes it', () => {
  const swapped = images.slice()
  swapped.copyWithin(0, size, 2 * size)
  swapped.set(images.subarray(0, size), size)
  for (const budget of [undefined, 600])
    expect(imagesFingerprint(setOf(swapped), budget)).not.toBe(
      imagesFingerprint(setOf(images), budget),
    )
})

test('labels count by value and order, in any container', () => {
  const of = (labels: ArrayLike<number>): string => labelsFingerprint({ ...setOf(images), labels })
  expect(of([0, 1, 300])).toBe(of(Float32Array.of(0, 1, 300)))
  expect(of([0, 1, 300])).not.toBe(of([1, 0, 300]))
  expect(of([0, 1, 300])).not.toBe(of([0, 1, 44]))
})

test('tensors count by name, shape and value', async () => {
  await tf.setBackend('cpu')
  const x = tf.tensor1d([1, 2, 3, 4])
  const fingerprints = await Promise.all([
    tensorsFingerprint({ x }),
    tensorsFingerprint({ y: x }),
    tensorsFingerprint({ x: tf.reshape(x, [2, 2]) }),
    tensorsFingerprint({ x: tf.tensor1d([1, 2, 3, 5]) }),
  ])
  expect(new Set(fingerprints).size).toBe(4)
  expect(await tensorsFingerprint({ x: tf.tensor1d([1, 2, 3, 4]) })).toBe(fingerprints[0])
})
