import * as tf from '@tensorflow/tfjs-core'
import { conformance, expectClose, fromFixture, onEachBackend } from '@tricks/conformance'
import { compose, type Trick } from '@tricks/core'
import { expect, test } from 'vitest'
import {
  binaryCrossEntropy,
  binaryCrossEntropyLoss,
  type BinaryCrossEntropyOptions,
} from '../src/index.ts'
import fixture from './fixtures/binary-cross-entropy.json' with { type: 'json' }

/** A trick's loss on a batch, after the cross-entropy. */
const lossOf = (trick: Trick, targets: tf.Tensor2D, logits: tf.Tensor2D): tf.Scalar => {
  const images = tf.zeros<tf.Rank.R4>([targets.shape[0], 1, 1, 1])
  const pipeline = compose([trick])
  return pipeline.loss(pipeline.batch(images, targets, 0), logits)
}

onEachBackend(() => {
  test.each(fixture.cases.map((each, index) => ({ ...each, number: index + 1 })))(
    'matches the reference: case $number, $params',
    ({ inputs, params, expected }) => {
      const targets = fromFixture(inputs.targets) as tf.Tensor2D
      const { value, grad } = tf.valueAndGrad((logits) =>
        binaryCrossEntropyLoss({
          logits: logits as tf.Tensor2D,
          targets,
          ...(params as BinaryCrossEntropyOptions),
        }),
      )(fromFixture(inputs.logits))
      expectClose(value, expected.loss, { relative: 2e-5 })
      expectClose(grad, expected.gradLogits, { relative: 1e-4 })
    },
  )

  test('saturated logits keep a finite loss and gradient', () => {
    const logits = tf.tensor2d([
      [60, -60],
      [-200, 200],
    ])
    const targets = tf.tensor2d([
      [1, 0],
      [1, 0],
    ])
    const { value, grad } = tf.valueAndGrad((z) =>
      binaryCrossEntropyLoss({ logits: z as tf.Tensor2D, targets }),
    )(logits)
    expectClose(value, 100)
    expectClose(grad, [0, 0, -0.25, 0.25])
  })

  test('as a trick, it replaces the cross-entropy', () => {
    const logits = tf.tensor2d([[1, -1, 0.5]])
    const targets = tf.tensor2d([[0, 1, 0]])
    const options: BinaryCrossEntropyOptions = { reduction: 'batchmean', smoothing: 0.1 }
    expectClose(
      lossOf(binaryCrossEntropy(options), targets, logits),
      binaryCrossEntropyLoss({ logits, targets, ...options }),
    )
  })
})

test('rejects wrong parameters', () => {
  const logits = tf.zeros<tf.Rank.R2>([2, 3])
  const other = tf.zeros<tf.Rank.R2>([3, 2])
  expect(() => binaryCrossEntropyLoss({ logits, targets: other })).toThrow(
    "binary-cross-entropy: expected targets to be of the logits' shape [2, 3], got [3,2]",
  )
  expect(() => binaryCrossEntropyLoss({ logits, targets: tf.zeros([6]) as never })).toThrow(
    'expected targets to be a tensor [batch, classes]',
  )
  expect(() =>
    binaryCrossEntropyLoss({ logits, targets: logits, reduction: 'sum' as never }),
  ).toThrow("expected reduction to be 'mean' or 'batchmean', got sum")
})

test('resolves options with defaults', () => {
  expect(binaryCrossEntropy().options).toEqual({
    smoothing: 0,
    threshold: undefined,
    reduction: 'mean',
  })
})

conformance(() => binaryCrossEntropy({ smoothing: 0.1, threshold: 0.2 }), {
  invalid: [
    () => binaryCrossEntropy({ smoothing: 1 }),
    () => binaryCrossEntropy({ threshold: -0.1 }),
    () => binaryCrossEntropy({ threshold: '0.2' as never }),
    () => binaryCrossEntropy({ reduction: 'sum' as never }),
    () => binaryCrossEntropy({ epsilon: 0.1 } as never),
  ],
})
