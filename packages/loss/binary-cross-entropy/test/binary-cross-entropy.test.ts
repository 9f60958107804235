import * as tf from '@tensorflow/tfjs-core'
import { conformance, expectClose, lossesMatch, lossOf, onEachBackend } from '@tricks/conformance'
import { expect, test } from 'vitest'
import {
  binaryCrossEntropy,
  binaryCrossEntropyLoss,
  type BinaryCrossEntropyOptions,
} from '../src/index.ts'
import fixture from './fixtures/binary-cross-entropy.json' with { type: 'json' }

onEachBackend(() => {
  lossesMatch(fixture.cases, (logits, targets, params) =>
    binaryCrossEntropyLoss({ logits, targets, ...(params as BinaryCrossEntropyOptions) }),
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

test('rejects invalid parameters', () => {
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
