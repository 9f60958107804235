import * as tf from '@tensorflow/tfjs-core'
import { conformance, expectClose, lossesMatch, lossOf, onEachBackend } from '@tricks/conformance'
import { oneHot, softmaxCrossEntropy } from '@tricks/core'
import { expect, test } from 'vitest'
import { focal, focalLoss, sigmoidFocalLoss } from '../src/index.ts'
import fixture from './fixtures/focal-loss.json' with { type: 'json' }

onEachBackend(() => {
  lossesMatch(fixture.cases, (logits, targets, params, { kind }) =>
    kind === 'softmaxFocal'
      ? focalLoss({ logits, targets, gamma: params.gamma })
      : sigmoidFocalLoss({
          logits,
          targets,
          ...(params as { gamma: number; alpha: number | null; reduction: 'mean' }),
        }),
  )

  test('saturated logits keep a finite loss and gradient, for any gamma', () => {
    const logits = tf.tensor2d([
      [60, -60, 0],
      [-200, 200, 1e-3],
      [0, 0, 0],
    ])
    const targets = oneHot([0, 0, 2], 3)
    for (const gamma of [0, 0.5, 1, 2, 100])
      for (const loss of [focalLoss, sigmoidFocalLoss]) {
        const { value, grad } = tf.valueAndGrad((z) =>
          loss({ logits: z as tf.Tensor2D, targets, gamma }),
        )(logits)
        expect([...value.dataSync(), ...grad.dataSync()].every(Number.isFinite)).toBe(true)
        // The second image is all wrong.
        expect(value.dataSync()[0]).toBeGreaterThan(20)
      }
  })

  test('a gamma of 0 equals the cross-entropy, and an alpha of ½ halves the loss', () => {
    const logits = tf.tensor2d([[1, -1, 0.5]])
    const targets = tf.tensor2d([[0.2, 0.5, 0.3]])
    expectClose(focalLoss({ logits, targets, gamma: 0 }), softmaxCrossEntropy(targets, logits))
    const given = { logits, targets, gamma: 1.5 }
    const half = sigmoidFocalLoss({ ...given, alpha: 0.5 })
    expectClose(half, tf.div(sigmoidFocalLoss(given), 2))
  })

  test('as a trick, it replaces the cross-entropy', () => {
    const logits = tf.tensor2d([[1, -1, 0.5]])
    const targets = tf.tensor2d([[0, 1, 0]])
    expectClose(
      lossOf(focal({ gamma: 3 }), targets, logits),
      focalLoss({ logits, targets, gamma: 3 }),
    )
    expectClose(
      lossOf(focal({ of: 'sigmoid', alpha: 0.25 }), targets, logits),
      sigmoidFocalLoss({ logits, targets, gamma: 2, alpha: 0.25, reduction: 'batchmean' }),
    )
  })
})

test('rejects invalid parameters', () => {
  const logits = tf.zeros<tf.Rank.R2>([2, 3])
  const targets = tf.zeros<tf.Rank.R2>([3, 2])
  for (const loss of [focalLoss, sigmoidFocalLoss]) {
    expect(() => loss({ logits, targets })).toThrow(
      "focal-loss: expected targets to be of the logits' shape [2, 3], got [3,2]",
    )
    for (const gamma of [-1, NaN, 101, '2', null])
      expect(() => loss({ logits, targets: logits, gamma: gamma as number })).toThrow(
        'focal-loss: expected gamma to be a number in [0, 100]',
      )
  }
  expect(() => sigmoidFocalLoss({ logits, targets: logits, alpha: 1.1 })).toThrow(
    'focal-loss: expected alpha to be a number in [0, 1], or null, got 1.1',
  )
})

test('options contain only those in use', () => {
  expect(focal().options).toEqual({ gamma: 2, of: 'softmax' })
  expect(focal({ of: 'sigmoid' }).options).toEqual({
    gamma: 2,
    of: 'sigmoid',
    alpha: null,
    reduction: 'batchmean',
  })
})

conformance(() => focal(), {
  invalid: [
    () => focal({ gamma: -1 }),
    () => focal({ gamma: NaN }),
    () => focal({ of: 'relu' as never }),
    () => focal({ of: 'sigmoid', alpha: 2 }),
    () => focal({ alpha: 0.25 }),
    () => focal({ reduction: 'mean' }),
    () => focal({ beta: 1 } as never),
  ],
})
conformance(() => focal({ of: 'sigmoid', alpha: 0.25, gamma: 0.5 }))
