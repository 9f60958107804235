import * as tf from '@tensorflow/tfjs-core'
import { conformance, expectClose, lossesMatch, lossOf, onEachBackend } from '@tricks/conformance'
import { oneHot, softmaxCrossEntropy } from '@tricks/core'
import { expect, test } from 'vitest'
import { adjustLogits, logitAdjustment } from '../src/index.ts'
import fixture from './fixtures/logit-adjustment.json' with { type: 'json' }

onEachBackend(() => {
  lossesMatch(fixture.cases, (logits, targets, params) =>
    softmaxCrossEntropy(targets, adjustLogits(logits, params)),
  )

  test('adds tau times the logarithm of the frequencies', () => {
    const logits = tf.tensor2d([
      [1, 2],
      [3, 4],
    ])
    const [often, seldom] = [Math.log(0.75), Math.log(0.25)]
    const expected = [1 + 2 * often, 2 + 2 * seldom, 3 + 2 * often, 4 + 2 * seldom]
    expectClose(adjustLogits(logits, { counts: [3, 1], tau: 2 }), expected)
    expectClose(adjustLogits(logits, { counts: [3, 1], tau: 0 }), logits)
  })

  test('as a trick, it replaces the cross-entropy', () => {
    const logits = tf.tensor2d([
      [1, -1, 0.5],
      [0, 2, 1],
    ])
    const targets = oneHot([1, 2], 3)
    const counts = [300, 200, 100]
    const adjusted = adjustLogits(logits, { counts, tau: 0.5 })
    expectClose(
      lossOf(logitAdjustment({ counts, tau: 0.5 }), targets, logits),
      softmaxCrossEntropy(targets, adjusted),
    )
    expect(() => lossOf(logitAdjustment({ counts: [1, 2] }), targets, logits)).toThrow(
      'logit-adjustment: expected counts to be a list of 3 numbers, one per class, got [1,2]',
    )
  })
})

test('rejects invalid parameters', () => {
  const logits = tf.zeros<tf.Rank.R2>([2, 3])
  for (const counts of [[], [1, 2, 0], [1, 2, NaN], ['1', 2, 3], null])
    expect(() => adjustLogits(logits, { counts: counts as number[] })).toThrow(
      'logit-adjustment: expected counts to be a list of numbers above 0, one per class',
    )
  expect(() => adjustLogits(logits, { counts: [1, 2] })).toThrow('to be 3 numbers, got [1,2]')
  for (const tau of [-1, NaN, '1', null])
    expect(() => adjustLogits(logits, { counts: [1, 2, 3], tau: tau as number })).toThrow(
      'expected tau to be a number in [0, 100]',
    )
})

conformance(() => logitAdjustment({ counts: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }), {
  invalid: [
    () => logitAdjustment({} as never),
    () => logitAdjustment({ counts: [1, 0] }),
    () => logitAdjustment({ counts: [1, 2], tau: -1 }),
    () => logitAdjustment({ counts: [1, 2], tau: '1' as never }),
    () => logitAdjustment({ prior: [0.5, 0.5] } as never),
  ],
})
