import type * as tf from '@tensorflow/tfjs-core'
import type { LayersModel, ModelCompileArgs } from '@tensorflow/tfjs-layers'
import type { PipelineBatch } from '@tricks/core'
import type { OpenRun } from '@tricks/train'

export type Measure = (targets: tf.Tensor, logits: tf.Tensor) => tf.Tensor

/** The arguments for `compile`; other metrics may be added. */
export interface Compile extends ModelCompileArgs {
  optimizer: tf.Optimizer
  loss: Measure
  metrics: Measure[]
}

/** Position in a run. */
export interface Position {
  /** The first step of the epoch. */
  first: number
  /** The next step. */
  next: number
  /** The current batch. */
  batch?: PipelineBatch | undefined
}

export interface Training {
  readonly model: LayersModel
  readonly epochs: number
  readonly compile: Compile
  readonly run: OpenRun
  readonly at: Position
}
