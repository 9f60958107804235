import type * as tf from '@tensorflow/tfjs-core'
import type { Random } from './random.ts'
import type { Duration, Time } from './time.ts'

/**
 * A trick: a name, its options, and the hooks it needs. A factory takes options and returns a trick.
 *
 * Hooks are listed in the order of a step's data flow. Tricks of one stage run in list order. Every hook runs inside
 * `tf.tidy`, must not read a tensor back, and leaves its inputs unchanged.
 *
 * A trick keeps nothing in a closure: its state is the object that `start` returns, which belongs to the run.
 * `afterStep`, `gradients`, `observe`, `afterEpoch` and `finish` may assign to its properties. Core saves and restores
 * it, keeps tensors assigned to it, and disposes those they replace.
 */
export interface Trick<S = unknown> {
  /** The trick's name, which is also its key by default. */
  readonly name: string
  /** Distinguishes two tricks of the same name; the trick's random draws depend on it. */
  readonly key?: string
  /** The resolved options, including defaults. */
  readonly options: Json
  /** A combinator's tricks. */
  readonly tricks?: readonly Trick[]
  /**
   * Tensors that the trick reads and that never change, such as a teacher's weights: a checkpoint resumes only with the
   * same ones. Their owner disposes them.
   */
  constants?(): Tensors
  /** True if `learningRate` sets the curve of the whole run, so that a second one would override it. */
  readonly setsRate?: boolean

  /** Starts a run and returns the trick's state: JSON, typed arrays and tensors. Also validates the data. */
  start?(run: Run): S
  /** Changes images, float32 `[batch, height, width, channels]` in [0, 1], before normalisation. */
  readonly images?: Augmentation<tf.Tensor4D>
  /** Changes normalised images and targets together; at most one trick per step. */
  readonly mix?: Augmentation<Batch>
  /** Changes targets `[batch, classes]`; rows sum to 1. */
  targets?(targets: tf.Tensor2D, step: Step<S>): tf.Tensor2D
  /** Computes tensors once per step, outside the gradient tape, for this trick's `loss`. */
  prepare?(batch: Batch, step: Step<S>): Tensors
  /** Takes the loss so far and the forward pass; returns the loss. */
  loss?(loss: tf.Scalar, pass: Pass<S>): tf.Scalar
  /** Returns a scalar that is added after all losses. */
  penalty?(variables: Variables, step: Step<S>): tf.Scalar
  /** Calls `next` at least once; returns the gradients of the step. */
  gradients?(next: NextGradients, step: TrainingStep<S>): Tensors
  /** Takes the rate so far and returns the rate. Pure: a function of rate, time and the trick's state. */
  learningRate?(rate: number, time: Time, state: S): number
  /** Factors for a variable's learning rate and weight decay; the factors of several tricks multiply. */
  multipliers?(path: string, time: Time, state: S): Multipliers
  /** Called after the update. */
  afterStep?(variables: Variables, step: Step<S>): void
  /** Receives training metrics at the requested interval. */
  readonly observe?: readonly Observer<S>[]
  /** Called after each epoch's validation; may end the run. */
  afterEpoch?(epoch: Epoch, state: S): { readonly stop: string } | undefined
  /** Called at the end of a run, however it ends, before the test set is read. */
  finish?(end: End, state: S): void
  /** The only hooks that are active in evaluation. */
  readonly evaluation?: Evaluation<S>
}

/**
 * An augmentation in two parts: `draw` decides on the host with seeded randomness, `apply` does the tensor work for the
 * whole batch. So a run can be replayed and shown, and a device never waits.
 */
export interface Augmentation<T, P = unknown> {
  /** Pure. P is JSON or typed arrays; undefined means that nothing happens in this step. */
  draw(random: Random, shape: BatchShape, time: Time): P | undefined
  /** Pure: no randomness, no read-back. */
  apply(input: T, params: P): T
  /** Describes the draw for the batch's i-th image in a few words, for pictures; empty if the image is unchanged. */
  describe?(params: P, image: number): string
  /**
   * Height and width of what `apply` returns for a draw, if they differ from those of its input; the tricks after it draw
   * for this size. Without a draw: the size that it always has, if any. A trainer with larger versions of the images
   * passes them to a list in which a trick always returns the data's own size.
   */
  outputSize?(params?: P): Readonly<Pick<BatchShape, 'height' | 'width'>> | undefined
}

/** What a draw may depend on besides randomness and time. */
export interface BatchShape {
  readonly batch: number
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly classes: number
  /** The data's mean per channel, in [0, 1], used to fill with the mean. */
  readonly mean: readonly number[]
  /**
   * Each image's index in the training set, for draws that follow an image from epoch to epoch; absent if unknown. The
   * trainer passes it.
   */
  readonly indices?: ArrayLike<number>
}

export interface Batch {
  /** float32 `[batch, height, width, channels]` */
  readonly images: tf.Tensor4D
  /** float32 `[batch, classes]`, rows that sum to 1, unless images have several labels */
  readonly targets: tf.Tensor2D
}

/** A batch after the pipeline. */
export interface PipelineBatch extends Batch {
  /** The targets after mixing and before smoothing, which weight the training accuracy. */
  readonly mixedTargets: tf.Tensor2D
  /** Tensors from the tricks' `prepare`, by key. */
  readonly prepared: Tensors
  readonly time: Time
  /** For a part of the step's batch, the index of its first image; draws depend on it. Default 0. */
  readonly first?: number
}

export interface Step<S = unknown> {
  readonly time: Time
  /** This trick's random stream in this step. */
  readonly random: Random
  /** The state that the trick's `start` returned. */
  readonly state: S
}

export interface TrainingStep<S = unknown> extends Step<S> {
  readonly batch: PipelineBatch
  readonly variables: Variables
  /** The model's logits, in inference and without gradients; absent in a loop that doesn't pass it. */
  readonly predict?: Predict
}

/** A forward pass, as passed to a loss. `prepared` holds the trick's own tensors. */
export interface Pass<S = unknown> extends Step<S>, PipelineBatch {
  readonly logits: tf.Tensor2D
}

/** Tensors by name; gradients are keyed by the variable's path. */
export type Tensors = Readonly<Record<string, tf.Tensor>>

/**
 * A model's variables by layer path and role, such as `block1/conv/kernel`. tfjs's own names are not used, as they
 * depend on what else the process has built. `trainableOf` selects the trainable ones.
 */
export type Variables = Readonly<Record<string, tf.Variable>>

export type NextGradients = (options?: {
  /** A batch other than the step's. */
  readonly batch?: PipelineBatch
  /** 'keep' leaves the model's moving statistics unchanged. */
  readonly statistics?: 'update' | 'keep'
}) => Tensors

/** Factors for a variable; absent ones are 1. */
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
  /** Receives the mean since the last call. */
  metrics(metrics: Metrics, time: Time, state: S): void
}

export interface Epoch {
  /** From 0. */
  readonly epoch: number
  /** The time of the next step. */
  readonly time: Time
  readonly training: Metrics
  /** Absent if training uses all data, without validation. */
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
  /** Values to evaluate with, by path; other variables keep theirs. The caller disposes them. */
  weights?(variables: Variables, state: S): Tensors
  /**
   * The latest part of training whose batches give new moving statistics for what `weights` returned. The trainer
   * computes them, for each evaluation and for the model at the end of the run, unless it is aborted.
   */
  readonly statistics?: Duration
  /** Calls `next` at least once on normalised images; returns `[batch, classes]`. */
  predict?(next: Predict, images: tf.Tensor4D, state: S): tf.Tensor2D
}

export type Predict = (images: tf.Tensor4D) => tf.Tensor2D

/** The model, data and randomness of a run. */
export interface Run {
  readonly variables: Variables
  readonly data: DataFacts
  readonly batchSize: number
  readonly time: Time
  readonly random: Random
}

export interface DataFacts {
  /** Number of training images. */
  readonly size: number
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly classes: number
  /** Per channel, for images in [0, 1]. */
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

/** The state of a run's tricks, by key: JSON, typed arrays and tensors. */
export interface State {
  readonly [name: string]: Json | ArrayBufferView | tf.Tensor | State
}
