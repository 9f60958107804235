import * as tf from '@tensorflow/tfjs-core'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { fitTemperature } from '../src/index.ts'

const random = createRandom(4)

/** Logits of a calibrated network: each label is drawn from their softmax. */
function calibrated(images: number, classes: number): { logits: number[]; labels: number[] } {
  const logits = Array.from({ length: images * classes }, () => 2 * random.normal())
  const labels = Array.from({ length: images }, (_, i) => {
    const weights = logits.slice(i * classes, (i + 1) * classes).map((logit) => Math.exp(logit))
    let rest = random.uniform(0, 1) * weights.reduce((sum, weight) => sum + weight, 0)
    return Math.min(
      classes - 1,
      weights.findIndex((weight) => (rest -= weight) < 0),
    )
  })
  return { logits, labels }
}

function loss(logits: number[], labels: number[], temperature: number): number {
  const classes = logits.length / labels.length
  const smooth = 1 / (labels.length + 1)
  return tf.tidy(() => {
    const scaled = tf.div(tf.tensor2d(logits, [labels.length, classes]), temperature)
    const hard = tf.cast(tf.oneHot(tf.tensor1d(labels, 'int32'), classes), 'float32')
    const targets = tf.add(tf.mul(hard, 1 - smooth), smooth / classes)
    return -tf.mean(tf.sum(tf.mul(targets, tf.logSoftmax(scaled)), 1)).dataSync()[0]!
  })
}

describe.each([0.3, 1, 4])('logits that are %d times the calibrated ones', (factor) => {
  test.each([2, 10])('have that temperature, with %d classes', (classes) => {
    const { logits, labels } = calibrated(4000, classes)
    const found = fitTemperature({ logits: logits.map((logit) => logit * factor), labels })
    expect(found / factor).toBeGreaterThan(0.93)
    expect(found / factor).toBeLessThan(1.07)
  })
})

test('no other temperature has a lower loss', () => {
  const { logits, labels } = calibrated(50, 5)
  const found = fitTemperature({ logits, labels })
  const lowest = loss(logits, labels, found)
  for (const factor of [0.8, 0.95, 1.05, 1.25])
    expect(loss(logits, labels, found * factor)).toBeGreaterThan(lowest)
})

test('the temperature scales with the logits, and ignores a constant per image', () => {
  const { logits, labels } = calibrated(30, 4)
  const found = fitTemperature({ logits, labels })
  const moved = logits.map((logit, k) => 5 * logit + Math.floor(k / 4))
  expect(fitTemperature({ logits: moved, labels }) / found).toBeCloseTo(5, 6)
})

test('three of four correct are 75 % confident, apart from the smoothing', () => {
  const temperature = fitTemperature({ logits: [3, 0, 3, 0, 3, 0, 3, 0], labels: [0, 0, 0, 1] })
  // (4 · 0.75 + 0.5) / 5
  expect(1 / (1 + Math.exp(-3 / temperature))).toBeCloseTo(0.7, 8)
})

test('remains within its bounds', () => {
  const correct = fitTemperature({ logits: [1, 0, 0, 1], labels: [0, 1] })
  // (2 + 0.5) / 3
  expect(1 / (1 + Math.exp(-1 / correct))).toBeCloseTo(2.5 / 3, 8)
  expect(fitTemperature({ logits: [1, 0, 0, 1], labels: [1, 0] })).toBeCloseTo(1000, 3)
  expect(fitTemperature({ logits: [2, 2, -1, -1], labels: [1, 0] })).toBe(1)
})

test.each([
  [{ logits: [], labels: [] }, 'expected labels to be one class per image'],
  [{ logits: [1, 2, 3], labels: [0, 1] }, 'expected logits.length to be the same number of values'],
  [{ logits: [1, 2], labels: [0, 0] }, 'at least two, for each of 2 images, got 2'],
  [{ logits: [1, NaN], labels: [0] }, 'expected logits of image 0 to be finite, got NaN'],
  [
    { logits: [1, 2, 1, 2], labels: [0, 2] },
    'expected labels[1] to be an integer in [0, 2), got 2',
  ],
  [{ logits: [1, 2], labels: [0.5] }, 'got 0.5'],
])('rejects %j', (data, message) => {
  expect(() => fitTemperature(data)).toThrow(message)
})
