import * as tf from '@tensorflow/tfjs-core'
import { conformance, expectClose, lossesMatch, lossOf, onEachBackend } from '@tricks/conformance'
import { oneHot, softmaxCrossEntropy } from '@tricks/core'
import { expect, test } from 'vitest'
import {
  classWeights,
  effectiveNumberWeights,
  inverseWeights,
  weightedCrossEntropy,
} from '../src/index.ts'
import fixture from './fixtures/class-weights.json' with { type: 'json' }

onEachBackend(() => {
  lossesMatch(fixture.cases, (logits, targets, params) =>
    weightedCrossEntropy({
      logits,
      targets,
      ...(params as { weights: number[]; normalize: 'weights' }),
    }),
  )

  test('weights of 0 and of 1', () => {
    const logits = tf.tensor2d([
      [1, -1, 0.5],
      [0, 2, 1],
    ])
    const targets = oneHot([1, 2], 3)
    const plain = softmaxCrossEntropy(targets, logits)
    for (const normalize of ['weights', 'batch'] as const) {
      const of = (weights: number[]) =>
        weightedCrossEntropy({ logits, targets, weights, normalize })
      expectClose(of([1, 1, 1]), plain)
      // Neither image has the first class.
      expectClose(of([1, 0, 0]), 0)
      expectClose(of([9, 1, 1]), plain)
    }
  })

  test('as a trick, it replaces the cross-entropy', () => {
    const logits = tf.tensor2d([
      [1, -1, 0.5],
      [0, 2, 1],
    ])
    const targets = oneHot([1, 2], 3)
    const counts = [300, 200, 100]
    const weights = effectiveNumberWeights(counts, 0.99)
    expectClose(
      lossOf(classWeights({ counts, beta: 0.99 }), targets, logits),
      weightedCrossEntropy({ logits, targets, weights }),
    )
    expect(() => lossOf(classWeights({ weights: [1, 2] }), targets, logits)).toThrow(
      'class-weights: expected weights to be a list of 3 numbers, one per class, got [1,2]',
    )
  })
})

test('weights have mean 1, from equal weights to inverse counts', () => {
  const counts = [5000, 500, 50, 1]
  expectClose(effectiveNumberWeights(counts, 0), [1, 1, 1, 1])
  const inverse = inverseWeights(counts)
  expectClose(
    inverse.map((weight, i) => (weight * counts[i]!) / inverse[3]!),
    [1, 1, 1, 1],
  )
  expectClose(effectiveNumberWeights(counts, 1 - 1e-12), inverse, { relative: 1e-6 })
  // (1 − β) / (1 − βⁿ), scaled to a mean of 1.
  const effective = counts.map((count) => 0.01 / (1 - 0.99 ** count))
  const mean = effective.reduce((sum, each) => sum + each) / 4
  expectClose(
    effectiveNumberWeights(counts, 0.99),
    effective.map((each) => each / mean),
  )
})

test('rejects invalid parameters', () => {
  for (const counts of [[], [1, 0], [1, -1], [1, NaN], ['1'], 'many', null, undefined])
    for (const weights of [inverseWeights, (of: number[]) => effectiveNumberWeights(of, 0.9)])
      expect(() => weights(counts as number[])).toThrow(
        'class-weights: expected counts to be a list of numbers above 0, one per class',
      )
  expect(() => effectiveNumberWeights([1, 2], 1)).toThrow('expected beta to be a number in [0, 1)')
  const logits = tf.zeros<tf.Rank.R2>([2, 3])
  expect(() => weightedCrossEntropy({ logits, targets: logits, weights: [1, 2] })).toThrow(
    'class-weights: expected weights to be 3 numbers, got [1,2]',
  )
  const targets = tf.zeros<tf.Rank.R2>([3, 2])
  expect(() => weightedCrossEntropy({ logits, targets, weights: [1, 2, 3] })).toThrow(
    "class-weights: expected targets to be of the logits' shape [2, 3], got [3,2]",
  )
})

conformance(() => classWeights({ counts: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }), {
  invalid: [
    () => classWeights({}),
    () => classWeights({ counts: [1, 0] }),
    () => classWeights({ counts: [1, 2], beta: 1 }),
    () => classWeights({ weights: [-1, 1] }),
    () => classWeights({ weights: [1, 1], counts: [1, 1] }),
    () => classWeights({ weights: [1, 1], beta: 0.9 }),
    () => classWeights({ counts: [1, 2], normalize: 'mean' as never }),
    () => classWeights({ images: [1, 2] } as never),
  ],
})
