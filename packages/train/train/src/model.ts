import * as tf from '@tensorflow/tfjs-core'
import type { Layered } from '@tricks/core/model'

/**
 * A trainable model: a tfjs-layers model, or an object with `apply` and `variables`.
 *
 * `apply` receives normalised images, `[batch, height, width, channels]`, and returns logits, `[batch, classes]`. Every
 * layer's `call` receives the same keyword arguments: `training`; in training also `seed`, `step` and `first` (the
 * index of the first image in the step's batch), for layers with random draws; and `trainable`, the set of trainable
 * variables, which tells a norm whether it is frozen.
 */
export interface Model extends Layered {
  apply(images: tf.Tensor, options: ApplyOptions): unknown
  /** The losses of tfjs-layers' own regularizers. */
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

/** The model's logits; throws if the model returns anything else. */
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
      `train: expected the model to return logits [${images.shape[0]}, ${classes}], ` +
        `got ${shape ? `[${shape.join(', ')}]` : typeof logits}: ` +
        `end it in a dense layer with ${classes} units, one per class`,
    )
  return logits as tf.Tensor2D
}
