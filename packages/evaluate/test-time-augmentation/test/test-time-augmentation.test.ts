import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectClose,
  type Fixture,
  fromFixture,
  onEachBackend,
} from '@tricks/conformance'
import type { Predict } from '@tricks/core'
import { expect, test } from 'vitest'
import { testTimeAugmentation, type TestTimeAugmentationOptions } from '../src/index.ts'
import fixture from './fixtures/test-time-augmentation.json' with { type: 'json' }

const predict = (
  options: TestTimeAugmentationOptions,
  next: Predict,
  images: tf.Tensor4D,
): tf.Tensor2D => testTimeAugmentation(options).evaluation!.predict!(next, images, undefined)

/** The reference's network: two convolutions, and a weight per pixel and class. */
function network(inputs: Readonly<Record<string, Fixture>>): Predict {
  const at = (name: string): tf.Tensor => fromFixture(inputs[name]!)
  return (images) =>
    tf.tidy(() => {
      const [batch, height, width] = images.shape
      const first = tf.conv2d(images, at('conv1/kernel') as tf.Tensor4D, 1, 'same')
      const hidden = tf.relu(tf.add<tf.Tensor4D>(first, at('conv1/bias')))
      const second = tf.conv2d(hidden, at('conv2/kernel') as tf.Tensor4D, 1, 'valid')
      const weighted = tf.mul(tf.add(second, at('conv2/bias')), at('head'))
      const sums = tf.sum(weighted, [1, 2])
      return tf.reshape(tf.div(sums, height * width), [batch, -1])
    })
}

onEachBackend(() => {
  const cases = fixture.cases.flatMap(({ params, inputs, expected }, index) =>
    params.levels.map((level, i) => ({
      name: `${index + 1} ${JSON.stringify(level)}`,
      level,
      inputs: inputs as Readonly<Record<string, Fixture>>,
      logits: expected.logits[i]!,
      probabilities: expected.probabilities[i]!,
    })),
  )
  test.each(cases)('matches airbench: case $name', ({ level, inputs, logits, probabilities }) => {
    const images = fromFixture(inputs['images']!) as tf.Tensor4D
    const next = network(inputs)
    expectClose(predict(level, next, images), logits)
    const logarithm = predict({ ...level, average: 'probabilities' }, next, images)
    expectClose(tf.exp(logarithm), probabilities)
  })

  /** Logits of two classes: the mean of the left half, and that of the right half. */
  const halves: Predict = (images) => {
    const half = Math.floor(images.shape[2] / 2)
    const left = tf.mean(tf.slice(images, 0, [-1, -1, half, -1]), [1, 2, 3])
    const right = tf.mean(tf.slice(images, [0, 0, half, 0]), [1, 2, 3])
    return tf.stack([left, right], 1) as tf.Tensor2D
  }

  test('predicts views of the least confident images only, and keeps the order', () => {
    // Differences of the halves: 0, 3, 1, 2 and 4, so images 0, 2 and 3 are the least confident.
    const images = tf.tensor4d([1, 1, 3, 0, 0, 1, 2, 0, 0, 4], [5, 1, 2, 1])
    const seen: number[] = []
    const next: Predict = (view) => (seen.push(view.shape[0]), halves(view))
    const logits = predict({ unsure: 0.5 }, next, images)
    expect(seen).toEqual([5, 3])
    expectClose(logits, [1, 1, 3, 0, 0.5, 0.5, 1, 1, 0, 4])
    const logs = predict({ unsure: 0.5, average: 'probabilities' }, next, images)
    expectClose(tf.sum(tf.exp(logs), 1), [1, 1, 1, 1, 1])
    expectClose(tf.slice(logs, 1, 1), tf.logSoftmax(tf.tensor2d([[3, 0]])))
  })

  test('probabilities that underflow stay finite', () => {
    const sure: Predict = (images) => tf.mul(halves(images), 1e4)
    const images = tf.tensor4d([1, 0], [1, 1, 2, 1])
    // One view is certain of the first class, its mirror image of the second.
    expectClose(tf.exp(predict({ average: 'probabilities' }, sure, images)), [0.5, 0.5])
    const one = predict({ average: 'probabilities', mirror: false }, sure, images)
    expectClose(one, [0, -1e4])
  })

  test('without views, it equals the plain prediction', () => {
    const images = tf.randomUniform<tf.Rank.R4>([3, 4, 5, 1], 0, 1, 'float32', 1)
    const before = tf.memory().numTensors
    const logits = predict({ mirror: false }, halves, images)
    expect(tf.memory().numTensors - before).toBe(1)
    expectClose(logits, halves(images))
  })
})

test('rejects shifts as large as the images', () => {
  const images = tf.zeros<tf.Rank.R4>([1, 4, 3, 1])
  expect(() => predict({ shifts: 3 }, () => tf.zeros([1, 2]), images)).toThrow(
    'test-time-augmentation: expected shifts to be below 3, got 3',
  )
})

conformance(() => testTimeAugmentation({ shifts: 1, unsure: 0.4 }), {
  invalid: [
    () => testTimeAugmentation({ mirror: 1 as never }),
    () => testTimeAugmentation({ shifts: -1 }),
    () => testTimeAugmentation({ shifts: 1.5 }),
    () => testTimeAugmentation({ unsure: 0 }),
    () => testTimeAugmentation({ unsure: 1.1 }),
    () => testTimeAugmentation({ average: 'median' as never }),
    () => testTimeAugmentation({ flip: true } as never),
  ],
})
conformance(() => testTimeAugmentation({ average: 'probabilities' }))
