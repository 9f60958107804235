import * as tf from '@tensorflow/tfjs-core'
import {
  accuracy,
  type NextGradients,
  type Pipeline,
  type PipelineBatch,
  type Tensors,
  trainableOf,
  type Variables,
} from '@tricks/core'
import { logitsOf, type Model } from './model.ts'
import { applyGradients } from './optimizer.ts'
import { type Precision, withPrecision } from './precision.ts'

export interface Training {
  readonly model: Model
  readonly variables: Variables
  readonly pipeline: Pipeline
  readonly optimizer: tf.Optimizer
  readonly seed: number
  readonly precision: Precision
}

/**
 * What a step leaves on the device: the loss, the accuracy, and the sum of each variable's gradient, which is NaN
 * or infinite where a value of it is.
 */
export type Figures = tf.Tensor1D

/** One update: forward, backward, the tricks' say on the gradients, and the optimizer. */
export function updateOn(batch: PipelineBatch, training: Training): Figures {
  return tf.tidy(() => {
    const { gradients, figures } = backwardOn(batch, training)
    applyGradients(training.optimizer, training.variables, gradients)
    return figures
  })
}

/**
 * The same where loss and gradients are finite, and else nothing: variables, moving statistics, optimizer and tricks
 * stay as they were. That has to be known before the update, so each step waits for the device.
 *
 * @returns the figures, and their values where the step was skipped
 */
export async function updateIfFinite(
  batch: PipelineBatch,
  training: Training,
): Promise<{ readonly figures: Figures; readonly skipped?: ArrayLike<number> }> {
  const { variables, pipeline, optimizer } = training
  const before = {
    variables: Object.values(variables).map((variable) => variable.clone()),
    state: pipeline.save(),
  }
  try {
    const { gradients, figures } = tf.tidy(() => {
      const made = backwardOn(batch, training)
      // Clones, as a trick may give tensors that it keeps.
      return { ...made, gradients: mapTensors(made.gradients, (gradient) => tf.clone(gradient)) }
    })
    const values = await figures.data()
    const finite = values.every((value) => Number.isFinite(value))
    if (finite) tf.tidy(() => applyGradients(optimizer, variables, gradients))
    else {
      Object.values(variables).forEach((variable, i) => variable.assign(before.variables[i]!))
      pipeline.restore(before.state)
    }
    tf.dispose(gradients)
    return finite ? { figures } : { figures, skipped: values }
  } finally {
    tf.dispose(before as tf.TensorContainerObject)
  }
}

const mapTensors = (tensors: Tensors, f: (tensor: tf.Tensor) => tf.Tensor): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([path, tensor]) => [path, f(tensor)]))

/** Forward and backward, and the tricks' say on the gradients. */
function backwardOn(
  batch: PipelineBatch,
  training: Training,
): { gradients: Tensors; figures: Figures } {
  const { variables, pipeline } = training
  const passes: PassMetrics[] = []
  const next: NextGradients = ({ batch: given = batch, statistics = 'update' } = {}) => {
    const { gradients, loss, accuracy: right } = gradientsOn(given, training)
    // A pass that keeps the statistics is a look at other weights: no metric of the step.
    if (statistics === 'keep') tf.dispose([loss, right])
    else passes.push({ loss, accuracy: right, size: given.images.shape[0] })
    return gradients
  }
  const kept: NextGradients = (options) =>
    options?.statistics === 'keep' ? keeping(variables, () => next(options)) : next(options)
  try {
    const gradients = pipeline.gradients(kept, batch, variables)
    const sums = Object.keys(trainableOf(variables)).map((path) => {
      if (!gradients[path]) throw new Error(`train: the tricks gave no gradient of ${path}`)
      return tf.sum(gradients[path])
    })
    const metrics = [meanOf(passes, 'loss'), meanOf(passes, 'accuracy')]
    return { gradients, figures: tf.stack([...metrics, ...sums]) as Figures }
  } finally {
    for (const { loss, accuracy: right } of passes) tf.dispose([loss, right])
  }
}

/** Kept, as a trick may ask for gradients in a tidy of its own. */
interface PassMetrics {
  readonly loss: tf.Scalar
  readonly accuracy: tf.Scalar
  /** Images. */
  readonly size: number
}

function gradientsOn(
  batch: PipelineBatch,
  { model, variables, pipeline, seed, precision }: Training,
): Omit<PassMetrics, 'size'> & { gradients: Tensors } {
  const trainable = trainableOf(variables)
  let right: tf.Scalar | undefined
  const forward = (): tf.Scalar => {
    const options = { training: true, seed, step: batch.time.step, first: batch.first ?? 0 }
    const logits = logitsOf(model, batch.images, batch.targets.shape[1], options)
    right = tf.keep(accuracy(batch.mixedTargets, logits))
    const own = model.calculateLosses?.() ?? []
    return own.reduce<tf.Scalar>(
      (sum, loss) => tf.add(sum, loss),
      pipeline.loss(batch, logits, variables),
    )
  }
  const { value, grads } = withPrecision(precision, () =>
    withTape(() => tf.variableGrads(forward, Object.values(trainable))),
  )
  const gradients = Object.fromEntries(
    Object.entries(trainable).map(([path, { name }]) => {
      if (!grads[name])
        throw new Error(
          `train: the loss does not depend on ${path}. Use it in the model's output, or freeze its layer ` +
            `(trainable = false)`,
        )
      return [path, grads[name]]
    }),
  )
  return { loss: tf.keep(value), accuracy: right!, gradients }
}

/**
 * tfjs keeps what the backward pass will want of each op, and where it fails before that, for want of memory above all,
 * it forgets them: they would stay on the device for good.
 */
function withTape<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { activeTape } = tf.engine().state
    for (const { saved } of activeTape ?? []) tf.dispose(saved ?? [])
    throw error
  }
}

/** Runs `pass` and puts the model's moving statistics back as they were. */
function keeping<T>(variables: Variables, pass: () => T): T {
  const trainable = trainableOf(variables)
  const statistics = Object.entries(variables).flatMap(([path, variable]) =>
    Object.hasOwn(trainable, path) ? [] : [variable],
  )
  const before = statistics.map((variable) => variable.clone())
  const result = pass()
  statistics.forEach((variable, i) => variable.assign(before[i]!))
  return result
}

function meanOf(passes: readonly PassMetrics[], metric: 'loss' | 'accuracy'): tf.Scalar {
  if (passes.length === 1) return passes[0]![metric]
  const images = passes.reduce((sum, { size }) => sum + size, 0)
  return passes.reduce<tf.Scalar>(
    (sum, pass) => tf.add(sum, tf.mul(pass[metric], pass.size / images)),
    tf.scalar(0),
  )
}
