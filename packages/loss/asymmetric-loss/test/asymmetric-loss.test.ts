import * as tf from '@tensorflow/tfjs-core'
import { conformance, expectClose, lossesMatch, lossOf, onEachBackend } from '@tricks/conformance'
import { expect, test } from 'vitest'
import { asymmetric, asymmetricLoss, type AsymmetricLossOptions } from '../src/index.ts'
import fixture from './fixtures/asymmetric-loss.json' with { type: 'json' }

onEachBackend(() => {
  lossesMatch(fixture.cases, (logits, targets, params) =>
    asymmetricLoss({ logits, targets, ...(params as AsymmetricLossOptions) }),
  )

  test('saturated logits keep a finite loss and gradient, with any powers', () => {
    const logits = tf.tensor2d([
      [60, -60, 0],
      [-200, 200, 1e-3],
    ])
    const targets = tf.tensor2d([
      [1, 0, 0],
      [1, 0, 1],
    ])
    for (const stopGradient of [true, false])
      for (const [gammaNegative, gammaPositive] of [
        [0, 0],
        [0, 1],
        [0.5, 0.5],
        [4, 0],
        [100, 100],
      ])
        for (const clip of [0, 0.05, 1]) {
          const options = {
            gammaNegative,
            gammaPositive,
            clip,
            stopGradient,
          } as AsymmetricLossOptions
          const { value, grad } = tf.valueAndGrad((z) =>
            asymmetricLoss({ logits: z as tf.Tensor2D, targets, ...options }),
          )(logits)
          expect([...value.dataSync(), ...grad.dataSync()].every(Number.isFinite)).toBe(true)
        }
  })

  test('absent classes with a low probability do not count', () => {
    const logits = tf.tensor2d([[-3, -3.5]])
    const targets = tf.zeros<tf.Rank.R2>([1, 2])
    // σ(−3) is 0.047.
    expectClose(asymmetricLoss({ logits, targets, clip: 0.05 }), 0)
    expect(asymmetricLoss({ logits, targets, clip: 0.04 }).dataSync()[0]).toBeGreaterThan(0)
  })

  test('as a trick, it replaces the cross-entropy', () => {
    const logits = tf.tensor2d([[1, -1, 0.5]])
    const targets = tf.tensor2d([[0, 1, 1]])
    expectClose(
      lossOf(asymmetric({ gammaNegative: 2, reduction: 'mean' }), targets, logits),
      asymmetricLoss({ logits, targets, gammaNegative: 2, reduction: 'mean' }),
    )
  })
})

test('rejects invalid parameters', () => {
  const logits = tf.zeros<tf.Rank.R2>([2, 3])
  expect(() => asymmetricLoss({ logits, targets: tf.zeros([3, 2]) })).toThrow(
    "asymmetric-loss: expected targets to be of the logits' shape [2, 3], got [3,2]",
  )
  expect(() => asymmetricLoss({ logits, targets: logits, clip: 2 })).toThrow(
    'asymmetric-loss: expected clip to be a number in [0, 1], got 2',
  )
})

conformance(() => asymmetric(), {
  invalid: [
    () => asymmetric({ gammaNegative: -1 }),
    () => asymmetric({ gammaPositive: NaN }),
    () => asymmetric({ clip: 1.5 }),
    () => asymmetric({ stopGradient: 1 as never }),
    () => asymmetric({ reduction: 'sum' as never }),
    () => asymmetric({ gamma: 2 } as never),
  ],
})
conformance(() => asymmetric({ stopGradient: false, clip: 0 }))
