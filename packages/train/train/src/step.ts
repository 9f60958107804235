import * as tf from '@tensorflow/tfjs-core'
import {
  accuracy,
  type NextGradients,
  type Pipeline,
  type PipelineBatch,
  type Tensors,
  type Variables,
} from '@tricks/core'
import { logitsOf, type Model } from './model.ts'
import { type Precision, withPrecision } from './precision.ts'

export interface Training {
  readonly model: Model
  readonly variables: Variables
  readonly pipeline: Pipeline
  readonly optimizer: tf.Optimizer
  readonly seed: number
  readonly precision: Precision
}

/** What a step leaves on the device. */
export interface StepMetrics {
  readonly loss: tf.Scalar
  readonly accuracy: tf.Scalar
}

/** One update: forward, backward, the tricks' say on the gradients, and the optimizer. */
export function updateOn(batch: PipelineBatch, training: Training): StepMetrics {
  const { variables, pipeline, optimizer } = training
  return tf.tidy(() => {
    const passes: (StepMetrics & { readonly size: number })[] = []
    const next: NextGradients = ({ batch: given = batch, statistics = 'update' } = {}) => {
      const { gradients, ...metrics } = gradientsOn(given, training)
      // A pass that keeps the statistics is a look at other weights: no metric of the step.
      if (statistics === 'update') passes.push({ ...metrics, size: given.images.shape[0] })
      return gradients
    }
    const kept: NextGradients = (options) =>
      options?.statistics === 'keep' ? keeping(variables, () => next(options)) : next(options)
    const gradients = pipeline.gradients(kept, batch, variables)

    // In the variables' order and with none left out, as tfjs's optimizers find a variable's slot by its
    // place in the list.
    optimizer.applyGradients(
      Object.entries(variables)
        .filter(([, variable]) => variable.trainable)
        .map(([path, { name }]) => ({ name, tensor: gradients[path]! })),
    )
    return { loss: meanOf(passes, 'loss'), accuracy: meanOf(passes, 'accuracy') }
  })
}

function gradientsOn(
  batch: PipelineBatch,
  { model, variables, pipeline, seed, precision }: Training,
): StepMetrics & { gradients: Tensors } {
  const trainable = Object.entries(variables).filter(([, variable]) => variable.trainable)
  let right: tf.Scalar | undefined
  const forward = (): tf.Scalar => {
    const options = { training: true, seed, step: batch.time.step }
    const logits = logitsOf(model, batch.images, batch.targets.shape[1], options)
    right = tf.keep(accuracy(batch.mixedTargets, logits))
    const own = model.calculateLosses?.() ?? []
    return own.reduce<tf.Scalar>(
      (sum, loss) => tf.add(sum, loss),
      pipeline.loss(batch, logits, variables),
    )
  }
  const { value, grads } = withPrecision(precision, () =>
    tf.variableGrads(
      forward,
      trainable.map(([, variable]) => variable),
    ),
  )
  const gradients = Object.fromEntries(trainable.map(([path, { name }]) => [path, grads[name]!]))
  // Kept beyond the gradient's own scope; given back to the step's here.
  const metric = tf.clone(right!)
  right!.dispose()
  return { loss: value, accuracy: metric, gradients }
}

/** Runs `pass` and puts the model's moving statistics back as they were. */
function keeping<T>(variables: Variables, pass: () => T): T {
  const statistics = Object.values(variables).filter((variable) => !variable.trainable)
  const before = statistics.map((variable) => variable.clone())
  const result = pass()
  statistics.forEach((variable, i) => variable.assign(before[i]!))
  return result
}

function meanOf(
  passes: readonly (StepMetrics & { readonly size: number })[],
  metric: keyof StepMetrics,
): tf.Scalar {
  if (passes.length === 1) return passes[0]![metric]
  const images = passes.reduce((sum, { size }) => sum + size, 0)
  return passes.reduce<tf.Scalar>(
    (sum, pass) => tf.add(sum, tf.mul(pass[metric], pass.size / images)),
    tf.scalar(0),
  )
}
