import * as tf from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { gatherPixels, pixelIndices } from '../src/augmentation.ts'

const images = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 2, 2])

test('each output pixel is one of the batch or of the others', () => {
  const shown = gatherPixels(images, Int32Array.of(3, 4, 5, 0), [9, 10, 11, 12])
  expect(shown.shape).toEqual([2, 1, 2, 2])
  expect([...shown.dataSync()]).toEqual([7, 8, 9, 10, 11, 12, 1, 2])
})

test('their own indices reproduce the images', () => {
  expect([...pixelIndices(images.shape)]).toEqual([0, 1, 2, 3])
  expect([...pixelIndices([2, 3, 2])]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  expect([...gatherPixels(images, pixelIndices(images.shape)).dataSync()]).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8,
  ])
})

test('leaves no tensor except its result', () => {
  const before = tf.memory().numTensors
  const shown = gatherPixels(images, pixelIndices(images.shape), [0, 0])
  expect(tf.memory().numTensors).toBe(before + 1)
  shown.dispose()
})
