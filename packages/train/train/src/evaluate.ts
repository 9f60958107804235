import * as tf from '@tensorflow/tfjs-core'
import type { Metrics, Tensors, Variables } from '@tricks/core'
import { type RunPipeline } from '@tricks/core/run'
import { batchOf } from './data.ts'
import type { Subset } from './image-set.ts'
import { logitsOf, type Model } from './model.ts'
import { scoresOf } from './multi-label.ts'

export interface Evaluated {
  readonly metrics: Metrics
  /** `[images, classes]`, row by row, in the set's order. */
  readonly logits: Float32Array
}

/**
 * Evaluates loss and accuracy against the hard labels (`scoresOf`), and the logits. Only the tricks' `evaluation` hooks are active:
 * averaged weights temporarily replace the model's own, and `predict` may call the model several times.
 *
 * @param statistics computes the moving statistics for the averaged weights, once the model has these
 */
export async function evaluate(
  model: Model,
  variables: Variables,
  normalize: (images: tf.Tensor4D) => tf.Tensor4D,
  evaluation: RunPipeline['evaluation'],
  data: Subset,
  batchSize: number,
  statistics: () => Promise<Tensors>,
): Promise<Evaluated> {
  const classes = data.set.classes.length
  const size = data.indices.length
  const scores = scoresOf(data.set)
  const predict = (images: tf.Tensor4D): tf.Tensor2D =>
    logitsOf(model, images, classes, { training: false })
  const weights = tf.tidy(() => evaluation.weights(variables))
  const isOwn = Object.keys(weights).length === 0
  const own = swap(variables, weights)
  tf.dispose(weights)
  let moving: Tensors = {}
  const logits = new Float32Array(size * classes)
  let loss = 0
  let right = 0
  try {
    if (!isOwn) moving = swap(variables, await statistics())
    for (let from = 0; from < size; from += batchSize) {
      const to = Math.min(size, from + batchSize)
      const read = tf.tidy(() => {
        const { images, targets } = batchOf(data, from, to)
        const normal = normalize(images)
        const said = evaluation.predict(predict, normal)
        const means = tf.stack([scores.loss(targets, said), scores.accuracy(targets, said)])
        // A single read, as each one waits for the device.
        return tf.concat1d([means as tf.Tensor1D, tf.reshape(said, [-1])])
      })
      const values = (await read.data()) as Float32Array
      read.dispose()
      const [batchLoss, batchAccuracy] = values
      logits.set(values.subarray(2), from * classes)
      loss += batchLoss! * (to - from)
      right += batchAccuracy! * (to - from)
    }
  } finally {
    tf.dispose([swap(variables, moving), moving])
    tf.dispose([swap(variables, own), own])
  }
  return { metrics: { loss: loss / size, accuracy: right / size }, logits }
}

/** Assigns values to variables and returns the previous values as new tensors. */
function swap(variables: Variables, values: Tensors): Tensors {
  const before: Record<string, tf.Tensor> = {}
  for (const [path, value] of Object.entries(values)) {
    before[path] = variables[path]!.clone()
    variables[path]!.assign(value)
  }
  return before
}
