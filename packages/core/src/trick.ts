import type * as tf from '@tensorflow/tfjs-core'
import type { Random } from './random.ts'
import type { Duration, Time } from './time.ts'

/**
 * A trick: a name, its options, and the hooks it needs. A factory takes options and returns one.
 *
 * The hooks are listed in the order in which a step's data flows. Tricks of one stage run in list order.
 * Every hook runs inside `tf.tidy`, none may read a tensor back, and each leaves its inputs unchanged.
 *
 * A trick keeps nothing in a closure: what it remembers is the object that `start` returns, which belongs to
 * the run. `afterStep`, `gradients`, `observe`, `afterEpoch` and `finish` may assign to its properties; core saves
 * and restores it, keeps the tensors that they put there, and disposes those that they replace.
 */
export interface Trick<S = unknown> {
  /** The trick's name, and its key unless it has another. */
  readonly name: string
  /** Distinguishes two tricks with the same name; the trick's random draws depend on it. */
  readonly key?: string
  /** The options as resolved, defaults included. */
  readonly options: Json
  /** A combinator's tricks. */
  readonly tricks?: readonly Trick[]
  /**
   * Tensors that the trick reads and no run changes, such as a teacher's weights: a checkpoint continues only with the
   * same ones. Their owner keeps and disposes them.
   */
  constants?(): Tensors
  /** True if `learningRate` sets the whole run's curve, so that a second one would override it. */
  readonly setsRate?: boolean

  /** Starts a run and returns the trick's state in it: JSON, typed arrays and tensors. Checks the data too. */
  start?(run: Run): S
  /** Images, float32 `[batch, height, width, channels]` in [0, 1], before they are normalised. */
  readonly images?: Augmentation<tf.Tensor4D>
  /** Normalised images and targets together; at most one per step. */
  readonly mix?: Augmentation<Batch>
  /** Targets `[batch, classes]` → targets, rows that sum to 1. */
  targets?(targets: tf.Tensor2D, step: Step<S>): tf.Tensor2D
  /** Tensors made once per step, outside the gradient's tape, for this trick's `loss`. */
  prepare?(batch: Batch, step: Step<S>): Tensors
  /** The loss so far and the forward pass → the loss. */
  loss?(loss: tf.Scalar, pass: Pass<S>): tf.Scalar
  /** A scalar added after all losses. */
  penalty?(variables: Variables, step: Step<S>): tf.Scalar
  /** Calls `next` once or more → the gradients of the step. */
  gradients?(next: NextGradients, step: TrainingStep<S>): Tensors
  /** The rate so far → the rate. Pure: a function of the rate, the time and the trick's state. */
  learningRate?(rate: number, time: Time, state: S): number
  /** Factors of the learning rate and the weight decay of a variable; several tricks' factors multiply. */
  multipliers?(path: string, time: Time, state: S): Multipliers
  /** After the update. */
  afterStep?(variables: Variables, step: Step<S>): void
  /** Training metrics, as often as asked for. */
  readonly observe?: readonly Observer<S>[]
  /** After each epoch's validation; may end the run. */
  afterEpoch?(epoch: Epoch, state: S): { readonly stop: string } | undefined
  /** At the end of a run, however it ends, before the test set is read. */
  finish?(end: End, state: S): void
  /** The only hooks that act when evaluating. */
  readonly evaluation?: Evaluation<S>
}

/**
 * Draw and apply are apart: `draw` decides on the host with seeded randomness, `apply` does the tensor
 * work for the whole batch, so that a run can be replayed and shown, and a device never waits.
 */
export interface Augmentation<T, P = unknown> {
  /** Pure. P is JSON or typed arrays; undefined means that nothing happens in this step. */
  draw(random: Random, shape: BatchShape, time: Time): P | undefined
  /** Pure: no randomness, no read-back. */
  apply(input: T, params: P): T
  /** What was drawn for the batch's i-th image, in a few words, for pictures; empty if nothing happens to it. */
  describe?(params: P, image: number): string
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
  /** For a part of the step's batch, the index of its first image, which draws depend on; default 0. */
  readonly first?: number
}

export interface Step<S = unknown> {
  readonly time: Time
  /** This trick's random stream in this step. */
  readonly random: Random
  /** What the trick's `start` returned. */
  readonly state: S
}

export interface TrainingStep<S = unknown> extends Step<S> {
  readonly batch: PipelineBatch
  readonly variables: Variables
}

/** One forward pass, as a loss sees it. `prepared` is the trick's own. */
export interface Pass<S = unknown> extends Step<S>, PipelineBatch {
  readonly logits: tf.Tensor2D
}

/** Tensors by name; gradients go by their variable's path. */
export type Tensors = Readonly<Record<string, tf.Tensor>>

/**
 * A model's variables by layer path and role, such as `block1/conv/kernel`: never by tfjs's own names,
 * which depend on what else the process built. `trainableOf` tells those that are trained from frozen ones and statistics.
 */
export type Variables = Readonly<Record<string, tf.Variable>>

export type NextGradients = (options?: {
  /** Another batch than the step's. */
  readonly batch?: PipelineBatch
  /** 'keep' leaves the model's moving statistics as they were. */
  readonly statistics?: 'update' | 'keep'
}) => Tensors

/** Factors of a variable; what is absent is 1. */
export interface Multipliers {
  readonly rate?: number
  readonly decay?: number
}

export interface Metrics {
  readonly loss: number
  readonly accuracy: number
}

export interface Observer<S = unknown> {
  readonly every: Duration
  /** Gets the mean since the last call. */
  metrics(metrics: Metrics, time: Time, state: S): void
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

/** How a run ended. */
export interface End {
  /** 'finished' after its last step, 'stopped' by a trick, 'aborted' by the user, 'failed' with an error. */
  readonly reason: 'finished' | 'stopped' | 'aborted' | 'failed'
  /** The time of the step that would have come next. */
  readonly time: Time
  readonly variables: Variables
}

export interface Evaluation<S = unknown> {
  /** Values to evaluate on, by path; a variable that is absent keeps its own. The caller disposes them. */
  weights?(variables: Variables, state: S): Tensors
  /** Calls `next` once or more on normalised images → `[batch, classes]`. */
  predict?(next: Predict, images: tf.Tensor4D, state: S): tf.Tensor2D
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

/** What a run's tricks remember, by their keys: JSON, typed arrays and tensors. */
export interface State {
  readonly [name: string]: Json | ArrayBufferView | tf.Tensor | State
}
