import * as tf from '@tensorflow/tfjs-core'
import { compose, type Trick } from '@tricks/core'
import { test } from 'vitest'
import { expectClose, type Fixture, fromFixture } from './fixture.ts'

/**
 * The loss of a batch in a pipeline of one trick, after the cross-entropy.
 *
 * @param targets `[batch, classes]`
 * @param logits `[batch, classes]`
 * @example
 * const logits = tf.tensor2d([[1, -1, 0.5]])
 * const focused = lossOf(focal({ gamma: 3 }), oneHot([1], 3), logits)
 * expectClose(focused, focalLoss({ logits, targets: oneHot([1], 3), gamma: 3 }))
 */
export function lossOf(trick: Trick, targets: tf.Tensor2D, logits: tf.Tensor2D): tf.Scalar {
  const [batchSize, classes] = targets.shape
  const pipeline = compose([trick])
  const shape = { size: batchSize, height: 1, width: 1, channels: 1, classes }
  pipeline.start({
    variables: {},
    data: { ...shape, mean: [0], deviation: [1] },
    batchSize,
    time: { step: 0, stepsPerEpoch: 1, steps: 1 },
  })
  return pipeline.loss(pipeline.batch(tf.zeros([batchSize, 1, 1, 1]), targets, 0), logits)
}

/** A reference's loss and its gradient by the logits. */
export interface LossFixture {
  readonly inputs: { readonly logits: Fixture; readonly targets: Fixture }
  readonly params: object
  readonly expected: { readonly loss: unknown; readonly gradLogits: unknown }
}

/**
 * Tests a loss, and its gradient by the logits, against a reference's. Call it within `onEachBackend`.
 *
 * @param cases the reference's numbers
 * @param loss computes the loss of a case
 * @example
 * import fixture from './fixtures/logit-adjustment.json' with { type: 'json' }
 *
 * onEachBackend(() =>
 *   lossesMatch(fixture.cases, (logits, targets, params) =>
 *     softmaxCrossEntropy(targets, adjustLogits(logits, params)),
 *   ),
 * )
 */
export function lossesMatch<C extends LossFixture>(
  cases: readonly C[],
  loss: (logits: tf.Tensor2D, targets: tf.Tensor2D, params: C['params'], one: C) => tf.Scalar,
): void {
  test.each(cases.map((one, index) => ({ one, number: index + 1, params: one.params })))(
    'matches the reference: case $number, $params',
    ({ one }) => {
      const targets = fromFixture(one.inputs.targets) as tf.Tensor2D
      const { value, grad } = tf.valueAndGrad((logits) =>
        loss(logits as tf.Tensor2D, targets, one.params, one),
      )(fromFixture(one.inputs.logits))
      expectClose(value, one.expected.loss as number, { relative: 2e-5 })
      expectClose(grad, one.expected.gradLogits as Fixture, { relative: 1e-4 })
    },
  )
}
