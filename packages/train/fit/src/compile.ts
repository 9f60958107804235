import type * as tf from '@tensorflow/tfjs-core'
import type { OpenRun, Scores } from '@tricks/train'
import type { Compile, Measure, Position } from './training.ts'

/**
 * Loss and accuracy: the tricks' for batches that `fitDataset` trains on, and with hard labels and without tricks for
 * those it evaluates on.
 */
export function compileOf(
  optimizer: tf.Optimizer,
  { pipeline, variables }: OpenRun,
  at: Position,
  scores: Scores,
): Compile {
  const trainedOn = (targets: tf.Tensor) => (targets === at.batch?.targets ? at.batch : undefined)
  const loss: Measure = (targets, logits) => {
    const batch = trainedOn(targets)
    return batch
      ? pipeline.loss(batch, logits as tf.Tensor2D, variables)
      : scores.loss(targets as tf.Tensor2D, logits as tf.Tensor2D)
  }
  const metric: Measure = (targets, logits) =>
    scores.accuracy(
      trainedOn(targets)?.mixedTargets ?? (targets as tf.Tensor2D),
      logits as tf.Tensor2D,
    )
  // The metric's name in history and logs.
  Object.defineProperty(metric, 'name', { value: 'accuracy' })
  return { optimizer, loss, metrics: [metric] }
}
