import type * as tf from '@tensorflow/tfjs-core'
import type { Random } from './random.ts'
import type { Duration, Time } from './time.ts'

/**
 * A trick: a name, its options, and the hooks it needs. A factory takes options and gives one back.
 *
 * The hooks stand in the order in which a step's data flows. Tricks of one stage run in list order.
 * Every hook runs inside `tf.tidy`, none may read a tensor back, and each leaves its inputs alone.
 */
export interface Trick {
  /** The trick's name, and its key where it has no other. */
  readonly name: string
  /** Tells two tricks of one name apart; its random draws depend on it. */
  readonly key?: string
  /** The options as resolved, defaults included. */
  readonly options: Json
  /** A combinator's tricks. */
  readonly tricks?: readonly Trick[]
  /** True where `learningRate` sets the whole run's curve, so that a second one would fight it. */
  readonly setsRate?: boolean

  /** Starts a run: any state starts afresh here. */
  setup?(run: Run): void
  /** Images, float32 `[batch, height, width, channels]` in [0, 1], before they are normalised. */
  readonly images?: Augmentation<tf.Tensor4D>
  /** Normalised images and targets together; at most one a step. */
  readonly mix?: Augmentation<Batch>
  /** Targets `[batch, classes]` → targets, rows that sum to 1. */
  targets?(targets: tf.Tensor2D, step: Step): tf.Tensor2D
  /** Tensors made once a step, outside the gradient's tape, for this trick's `loss`. */
  prepare?(batch: Batch, step: Step): Tensors
  /** The loss so far and the forward pass → the loss. */
  loss?(loss: tf.Scalar, pass: Pass): tf.Scalar
  /** A scalar added after all losses. */
  penalty?(variables: Variables, step: Step): tf.Scalar
  /** Calls `next` once or more → the gradients of the step. */
  gradients?(next: NextGradients, step: TrainingStep): Tensors
  /** The rate so far → the rate. Pure: of the rate, the time, and the trick's state alone. */
  learningRate?(rate: number, time: Time): number
  /** After the update. */
  afterStep?(variables: Variables, step: Step): void
  /** Training metrics, as often as asked for. */
  readonly observe?: readonly Observer[]
  /** After each epoch's validation; may end the run. */
  afterEpoch?(epoch: Epoch): { readonly stop: string } | undefined
  /** The only hooks that act when evaluating. */
  readonly evaluation?: Evaluation
  /** What a resumed run needs, where the trick has state. */
  readonly state?: { save(): State; restore(state: State): void }
}

/**
 * Draw and apply are apart: `draw` decides on the host with seeded randomness, `apply` does the tensor
 * work for the whole batch, so that a run can be replayed and shown, and a device never waits.
 */
export interface Augmentation<T, P = unknown> {
  /** Pure. P is JSON or typed arrays; undefined does nothing in this step. */
  draw(random: Random, shape: BatchShape, time: Time): P | undefined
  /** Pure: no randomness, no read-back. */
  apply(input: T, params: P): T
}

/** What a draw may depend on besides randomness and time. */
export interface BatchShape {
  readonly batch: number
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly classes: number
  /** The data's mean per channel, in [0, 1]: what "filled with the mean" means. */
  readonly mean: readonly number[]
}

export interface Batch {
  /** float32 `[batch, height, width, channels]` */
  readonly images: tf.Tensor4D
  /** float32 `[batch, classes]`, rows that sum to 1 */
  readonly targets: tf.Tensor2D
}

/** A batch after the pipeline. */
export interface PipelineBatch extends Batch {
  /** The targets after mixing and before smoothing: what training accuracy is weighted by. */
  readonly mixedTargets: tf.Tensor2D
  /** What the tricks' `prepare` made, by key. */
  readonly prepared: Tensors
  readonly time: Time
  /** Of a part of the step's batch: the place of its first image, which draws depend on; default 0. */
  readonly first?: number
}

export interface Step {
  readonly time: Time
  /** This trick's stream of this step. */
  readonly random: Random
}

export interface TrainingStep extends Step {
  readonly batch: PipelineBatch
  readonly variables: Variables
}

/** One forward pass, as a loss sees it. `prepared` is the trick's own. */
export interface Pass extends Step, PipelineBatch {
  readonly logits: tf.Tensor2D
}

/** Tensors by name; gradients go by their variable's path. */
export type Tensors = Readonly<Record<string, tf.Tensor>>

/**
 * A model's variables by layer path and role, such as `block1/conv/kernel`: never by tfjs's own names,
 * which depend on what else the process built. `variable.trainable` tells weights from statistics.
 */
export type Variables = Readonly<Record<string, tf.Variable>>

export type NextGradients = (options?: {
  /** Another batch than the step's. */
  readonly batch?: PipelineBatch
  /** 'keep' leaves the model's moving statistics as they were. */
  readonly statistics?: 'update' | 'keep'
}) => Tensors

export interface Metrics {
  readonly loss: number
  readonly accuracy: number
}

export interface Observer {
  readonly every: Duration
  /** Gets the mean since it was last called. */
  metrics(metrics: Metrics, time: Time): void
}

export interface Epoch {
  /** From 0. */
  readonly epoch: number
  /** The time of the step to come. */
  readonly time: Time
  readonly training: Metrics
  /** Absent where selection is off: training on all the data. */
  readonly validation?: Metrics
  readonly variables: Variables
}

export interface Evaluation {
  /** Values to evaluate on, by path; what is absent stays. The caller disposes them. */
  weights?(variables: Variables): Tensors
  /** Calls `next` once or more on normalised images → `[batch, classes]`. */
  predict?(next: Predict, images: tf.Tensor4D): tf.Tensor2D
}

export type Predict = (images: tf.Tensor4D) => tf.Tensor2D

/** What a run is about. */
export interface Run {
  readonly variables: Variables
  readonly data: DataFacts
  readonly batchSize: number
  readonly time: Time
  readonly random: Random
}

export interface DataFacts {
  /** Training images. */
  readonly size: number
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly classes: number
  /** Per channel, of images in [0, 1]. */
  readonly mean: readonly number[]
  readonly deviation: readonly number[]
}

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined }

/** JSON and tensors. `save` gives tensors of the caller's own, `restore` leaves its argument alone. */
export interface State {
  readonly [name: string]: Json | tf.Tensor | State
}
