import * as tf from '@tensorflow/tfjs-core'
import { conformance, expectClose, fromFixture, onEachBackend } from '@tricks/conformance'
import { compose, oneHot, softmaxCrossEntropy, type Trick } from '@tricks/core'
import { expect, test } from 'vitest'
import { labelSmoothing, smoothTargets } from '../src/index.ts'
import fixture from './fixtures/label-smoothing.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)(
    'matches torch: ε $params.epsilon, $params.classes classes',
    ({ inputs, params, expected }) => {
      const targets = smoothTargets(
        oneHot(fromFixture(inputs.labels), params.classes),
        params.epsilon,
      )
      const logits = fromFixture(inputs.logits) as tf.Tensor2D
      expectClose(targets, expected.targets)
      expectClose(softmaxCrossEntropy(targets, logits), expected.loss)
      const gradient = tf.grad((z) => softmaxCrossEntropy(targets, z as tf.Tensor2D))(logits)
      expectClose(gradient, expected.gradLogits)
    },
  )
})

test('smooths mixed targets, and leaves those of the metric unchanged', () => {
  // Not one half, which smoothing would not change.
  const quarter: Trick = {
    name: 'quarter',
    options: {},
    mix: {
      draw: () => 0,
      apply: ({ images, targets }) => ({
        images,
        targets: tf.add(tf.mul(targets, 0.75), tf.mul(tf.reverse(targets, 0), 0.25)),
      }),
    },
  }
  const batch = compose([labelSmoothing({ epsilon: 0.1 }), quarter]).batch(
    tf.zeros([2, 1, 1, 1]),
    oneHot([0, 1], 2),
    0,
  )
  expectClose(batch.mixedTargets, [0.75, 0.25, 0.25, 0.75])
  expectClose(batch.targets, [0.725, 0.275, 0.275, 0.725])
  const alone = compose([labelSmoothing({ epsilon: 0.1 })]).batch(
    tf.zeros([2, 1, 1, 1]),
    oneHot([0, 1], 2),
    0,
  )
  expectClose(alone.targets, [0.95, 0.05, 0.05, 0.95])
  expectClose(alone.mixedTargets, [1, 0, 0, 1])
})

test('resolves options with defaults', () => {
  expect(labelSmoothing().options).toEqual({ epsilon: 0.1 })
  expect(labelSmoothing({ epsilon: 0 }).options).toEqual({ epsilon: 0 })
})

test('rejects an epsilon out of its range', () => {
  expect(() => labelSmoothing({ epsilon: 1 })).toThrow(
    'label-smoothing: expected epsilon to be a number in [0, 1), got 1',
  )
  for (const epsilon of [-0.1, 1, NaN])
    expect(() => smoothTargets(tf.zeros([1, 2]), epsilon)).toThrow(`got ${epsilon}`)
  expectClose(smoothTargets(oneHot([1], 2), 0), [0, 1], { absolute: 0 })
})

conformance(() => labelSmoothing(), {
  invalid: [
    () => labelSmoothing({ epsilon: 1 }),
    () => labelSmoothing({ epsilon: -0.1 }),
    () => labelSmoothing({ epsilon: NaN }),
  ],
})
