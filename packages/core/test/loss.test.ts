import * as tf from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { accuracy, oneHot, softmaxCrossEntropy, stepsOf } from '../src/index.ts'
import { isDuration } from '../src/options.ts'

const value = (scalar: tf.Tensor): number => scalar.dataSync()[0]!

test('oneHot takes an array or a tensor', () => {
  const expected = [0, 0, 1, 1, 0, 0]
  expect([...oneHot([2, 0], 3).dataSync()]).toEqual(expected)
  expect([...oneHot(tf.tensor1d([2, 0], 'int32'), 3).dataSync()]).toEqual(expected)
  expect(oneHot(new Uint8Array([2, 0]), 3).dtype).toBe('float32')
  expect(() => oneHot([0, 3], 3)).toThrow(
    'oneHot: expected labels to be in [0, 3), got 3 at index 1',
  )
  for (const label of [-1, 0.5, NaN]) expect(() => oneHot([label], 3)).toThrow(`got ${label} at`)
  for (const classes of [0, 2.5, NaN])
    for (const labels of [[0], tf.tensor1d([0], 'int32')])
      expect(() => oneHot(labels, classes)).toThrow(
        `oneHot: expected classes to be a positive integer, got ${classes}`,
      )
})

test('cross-entropy takes soft targets and large logits', () => {
  expect(value(softmaxCrossEntropy(oneHot([1], 2), tf.tensor2d([[0, 0]])))).toBeCloseTo(
    Math.log(2),
    6,
  )
  expect(
    value(softmaxCrossEntropy(tf.tensor2d([[0.5, 0.5]]), tf.tensor2d([[1000, 0]]))),
  ).toBeCloseTo(500, 3)
})

test("cross-entropy's gradient is (softmax − target) / batch", () => {
  const targets = tf.tensor2d([
    [0.7, 0.3],
    [0, 1],
  ])
  const logits = tf.tensor2d([
    [1, -1],
    [0.5, 2],
  ])
  const gradient = tf.grad((z) => softmaxCrossEntropy(targets, z as tf.Tensor2D))(logits)
  const expected = tf.div(tf.sub(tf.softmax(logits), targets), 2)
  expect(value(tf.max(tf.abs(tf.sub(gradient, expected))))).toBeLessThan(1e-7)
})

test('mixing targets equals mixing losses', () => {
  const logits = tf.tensor2d([[1, 2, 3]])
  const mixed = value(softmaxCrossEntropy(tf.tensor2d([[0.3, 0.7, 0]]), logits))
  const apart = [0, 1].map((label) => value(softmaxCrossEntropy(oneHot([label], 3), logits)))
  expect(mixed).toBeCloseTo(0.3 * apart[0]! + 0.7 * apart[1]!, 6)
})

test('accuracy is weighted by soft targets', () => {
  expect(value(accuracy(tf.tensor2d([[0.7, 0.3]]), tf.tensor2d([[2, 1]])))).toBeCloseTo(0.7, 6)
  expect(
    value(
      accuracy(
        oneHot([0, 1, 1], 2),
        tf.tensor2d([
          [1, 0],
          [1, 0],
          [0, 1],
        ]),
      ),
    ),
  ).toBeCloseTo(2 / 3, 6)
})

test.each<[unknown, boolean]>([
  [{ steps: 0 }, true],
  [{ steps: 3 }, true],
  [{ steps: 1.5 }, false],
  [{ steps: -1 }, false],
  [{ steps: 2 ** 54 }, false],
  [{ steps: NaN }, false],
  [{ steps: '3' }, false],
  [{ epochs: 1.5 }, true],
  [{ epochs: -0.5 }, false],
  [{ epochs: Infinity }, false],
  [{ fraction: 0 }, true],
  [{ fraction: 1 }, true],
  [{ fraction: 1.01 }, false],
  [{ days: 3 }, false],
  [{ steps: 3, epochs: 1 }, false],
  [{}, false],
  [undefined, false],
  [null, false],
  [5, false],
  ['S', false],
])('%j is a duration: %s', (given, expected) => {
  expect(isDuration(given)).toBe(expected)
})

test('durations in steps', () => {
  const time = { step: 0, stepsPerEpoch: 391, steps: 3910 }
  expect(stepsOf({ epochs: 2 }, time)).toBe(782)
  expect(stepsOf({ fraction: 0.1 }, time)).toBe(391)
  // Rounded to the nearest step.
  expect(stepsOf({ epochs: 0.5 }, time)).toBe(196)
  expect(stepsOf({ fraction: 0.3333 }, { ...time, steps: 10 })).toBe(3)
  expect(stepsOf({ epochs: 0 }, time)).toBe(0)
  expect(stepsOf({ steps: 7 }, { ...time, steps: Infinity })).toBe(7)
  expect(() => stepsOf({ fraction: 0.1 }, { ...time, steps: Infinity })).toThrow(
    '{"fraction":0.1} needs steps: pass it to compose',
  )
})
