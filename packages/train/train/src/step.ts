import * as tf from '@tensorflow/tfjs-core'
import {
  type NextGradients,
  type PipelineBatch,
  type Tensors,
  type Time,
  type Variables,
} from '@tricks/core'
import { type RunPipeline } from '@tricks/core/run'
import { trainableOf } from '@tricks/core/model'
import { isFinite, type Measured, type Measures, readMeasures } from './measures.ts'
import { logitsOf, type Model } from './model.ts'
import type { Scores } from './multi-label.ts'
import { applyGradients } from './optimizer.ts'
import { hasKernel, type Precision, runKernel } from '@tricks/kernels'
import { setDecayFactors } from '@tricks/optimizer'
import { withPrecision } from './precision.ts'
import { trainedIn } from './trained.ts'

export interface Training {
  readonly model: Model
  readonly variables: Variables
  readonly pipeline: RunPipeline
  readonly optimizer: tf.Optimizer
  readonly seed: number
  readonly precision: Precision
  readonly accuracy: Scores['accuracy']
}

/** One update: forward, backward, gradient hooks, optimizer. */
export function updateOn(batch: PipelineBatch, training: Training): Measures {
  return tf.tidy(() => {
    const { gradients, metrics, gradientSums } = backwardOn(batch, training)
    update(gradients, batch.time, training)
    return { metrics, gradientSums }
  })
}

/**
 * The same, but skipped if the loss or a gradient is not finite: variables, moving statistics, optimizer and tricks
 * remain unchanged. As this must be known before the update, each step waits for the device.
 *
 * @returns the step's results: on the device if it was completed, on the host if it was skipped
 */
export async function updateIfFinite(
  batch: PipelineBatch,
  training: Training,
): Promise<{ readonly measures?: Measures; readonly skipped?: Measured }> {
  const { variables, pipeline } = training
  const before = {
    variables: Object.values(variables).map((variable) => variable.clone()),
    state: pipeline.save(),
  }
  try {
    const { gradients, metrics, gradientSums } = tf.tidy(() => {
      const made = backwardOn(batch, training)
      // Clones, as a trick may return tensors that it keeps.
      return { ...made, gradients: mapTensors(made.gradients, (gradient) => tf.clone(gradient)) }
    })
    const kept = { metrics: metrics.clone(), gradientSums: gradientSums.clone() }
    const [measured] = await readMeasures([{ metrics, gradientSums }])
    const finite = isFinite(measured!)
    if (finite) tf.tidy(() => update(gradients, batch.time, training))
    else {
      Object.values(variables).forEach((variable, i) => variable.assign(before.variables[i]!))
      pipeline.restore(before.state)
    }
    tf.dispose(gradients)
    if (finite) return { measures: kept }
    tf.dispose([kept.metrics, kept.gradientSums])
    return { skipped: measured! }
  } finally {
    tf.dispose(before as tf.TensorContainerObject)
  }
}

const mapTensors = (tensors: Tensors, f: (tensor: tf.Tensor) => tf.Tensor): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([path, tensor]) => [path, f(tensor)]))

/** The optimizer's update; a variable with a rate factor gets that fraction of it. */
function update(
  gradients: Tensors,
  time: Time,
  { variables, optimizer, pipeline }: Training,
): void {
  const trained = trainedIn(variables, pipeline, time)
  const factors = Object.entries(trained).map(([path, variable]) => ({
    variable,
    ...pipeline.multipliers(path, time),
  }))
  const decays = factors.map(({ variable, decay }) => [variable.name, decay] as const)
  // tfjs's own optimizers have no weight decay.
  setDecayFactors(optimizer, Object.fromEntries(decays))
  const slowed = factors.flatMap(({ variable, rate }) =>
    rate === 1 ? [] : [{ variable, rate, before: variable.clone() }],
  )
  applyGradients(optimizer, variables, gradients, trained)
  for (const { variable, rate, before } of slowed)
    variable.assign(tf.add(before, tf.mul(tf.sub(variable, before), rate)))
}

/** Forward and backward passes, and the tricks' gradient hooks. */
function backwardOn(
  batch: PipelineBatch,
  training: Training,
): Measures & { readonly gradients: Tensors } {
  const { variables, pipeline } = training
  const passes: PassMetrics[] = []
  const next: NextGradients = ({ batch: given = batch, statistics = 'update' } = {}) => {
    const { gradients, loss, accuracy: right } = gradientsOn(given, training)
    // A pass that keeps the statistics probes other weights, so its metrics are not the step's.
    if (statistics === 'keep') tf.dispose([loss, right])
    else passes.push({ loss, accuracy: right, size: given.images.shape[0] })
    return gradients
  }
  const kept: NextGradients = (options) =>
    options?.statistics === 'keep' ? keeping(variables, () => next(options)) : next(options)
  try {
    const gradients = pipeline.gradients(kept, batch, variables, (images) =>
      withPrecision(training.precision, () =>
        logitsOf(training.model, images, batch.targets.shape[1], { training: false }),
      ),
    )
    const trained = trainedIn(variables, pipeline, batch.time)
    const all = Object.keys(trainableOf(variables)).map((path) => {
      if (!Object.hasOwn(trained, path)) return tf.scalar(0)
      if (!gradients[path]) throw new Error(`train: the tricks returned no gradient for ${path}`)
      return gradients[path]
    })
    const metrics = tf.stack([imageMean(passes, 'loss'), imageMean(passes, 'accuracy')])
    return {
      gradients,
      metrics: metrics as tf.Tensor1D,
      gradientSums: sumsOf(all),
    }
  } finally {
    for (const { loss, accuracy: right } of passes) tf.dispose([loss, right])
  }
}

function sumsOf(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  if (hasKernel('Sums')) return runKernel('Sums', tensors)
  return tf.stack(tensors.map((tensor) => tf.sum(tensor))) as tf.Tensor1D
}

/** Kept, as a trick may request gradients inside its own tidy. */
interface PassMetrics {
  readonly loss: tf.Scalar
  readonly accuracy: tf.Scalar
  /** Images. */
  readonly size: number
}

function gradientsOn(
  batch: PipelineBatch,
  { model, variables, pipeline, seed, precision, accuracy }: Training,
): Omit<PassMetrics, 'size'> & { gradients: Tensors } {
  const trained = trainedIn(variables, pipeline, batch.time)
  let right: tf.Scalar | undefined
  const forward = (): tf.Scalar => {
    const options = {
      training: true,
      seed,
      step: batch.time.step,
      first: batch.first ?? 0,
      trainable: new Set(Object.values(trained)),
    }
    const logits = logitsOf(model, batch.images, batch.targets.shape[1], options)
    right = tf.keep(accuracy(batch.mixedTargets, logits))
    const own = model.calculateLosses?.() ?? []
    return own.reduce<tf.Scalar>(
      (sum, loss) => tf.add(sum, loss),
      pipeline.loss(batch, logits, variables),
    )
  }
  const { value, grads } = withPrecision(precision, () =>
    withTape(() => tf.variableGrads(forward, Object.values(trained))),
  )
  const gradients = Object.fromEntries(
    Object.entries(trained).map(([path, { name }]) => {
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
 * tfjs keeps the tensors that the backward pass needs; if it fails before that pass, usually for lack of memory, they
 * would never be freed.
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

/** Runs `pass` and restores the model's moving statistics. */
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

function imageMean(passes: readonly PassMetrics[], metric: 'loss' | 'accuracy'): tf.Scalar {
  if (passes.length === 1) return passes[0]![metric]
  const images = passes.reduce((sum, { size }) => sum + size, 0)
  return passes.reduce<tf.Scalar>(
    (sum, pass) => tf.add(sum, tf.mul(pass[metric], pass.size / images)),
    tf.scalar(0),
  )
}
