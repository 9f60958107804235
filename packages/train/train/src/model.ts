import * as tf from '@tensorflow/tfjs-core'
import type { Layered } from '@tricks/core/model'

/**
 * What can be trained: a tfjs-layers model, or anything with `apply` and `variables`.
 *
 * `apply` gets normalised images, `[batch, height, width, channels]`, and gives logits,
 * `[batch, classes]`. Every layer's `call` gets the same keyword arguments: `training`, and in training
 * `seed`, `step` and `first` (the place of the first image in the step's batch), which a layer that draws makes its
 * draws from, and `trainable`, the variables that are trained, by which a norm knows that it is frozen.
 */
export interface Model extends Layered {
  apply(images: tf.Tensor, options: ApplyOptions): unknown
  /** What tfjs-layers' own regularizers add to the loss. */
  calculateLosses?(): tf.Scalar[]
}

export interface ApplyOptions {
  readonly training: boolean
  readonly seed?: number
  readonly step?: number
  readonly first?: number
  readonly trainable?: ReadonlySet<tf.Variable>
  readonly [name: string]: unknown
}

/** The model's logits; an error where what it gives is none. */
export function logitsOf(
  model: Model,
  images: tf.Tensor4D,
  classes: number,
  options: ApplyOptions,
): tf.Tensor2D {
  const logits = model.apply(images, options)
  const shape = logits instanceof tf.Tensor ? logits.shape : undefined
  if (shape?.length !== 2 || shape[0] !== images.shape[0] || shape[1] !== classes)
    throw new Error(
      `train: expected the model to give logits [${images.shape[0]}, ${classes}], ` +
        `got ${shape ? `[${shape.join(', ')}]` : typeof logits}: ` +
        `end it in a dense layer of ${classes} units, one a class`,
    )
  return logits as tf.Tensor2D
}
