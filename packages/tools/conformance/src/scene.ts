// Registers tfjs-core's gradients.
import '@tensorflow/tfjs-layers'
import * as tf from '@tensorflow/tfjs-core'
import {
  type BatchShape,
  createRandom,
  oneHot,
  type PipelineBatch,
  type Run,
  softmaxCrossEntropy,
  type Step,
  type Tensors,
  type Time,
  type Trick,
  type Variables,
} from '@tricks/core'
import { composeRun, keyOf } from '@tricks/core/run'
import { trainableOf } from '@tricks/core/model'

export interface Size {
  readonly batch: number
  readonly height: number
  readonly width: number
  readonly channels: number
}

export const sizeOf = (batch: number, height = 8, width = 13, channels = 3): Size => ({
  batch,
  height,
  width,
  channels,
})

/** Describes the smallest failing case: 'batch 2 of 8×13×3 images'. */
export const describeSize = ({ batch, height, width, channels }: Size): string =>
  `batch ${batch} of ${height}×${width}×${channels} images`

export const classes = 10
/** The runs have four epochs. */
export const stepsPerEpoch = 3
export const steps = 12

export const timeAt = (step: number): Time => ({ step, stepsPerEpoch, steps })

/** Without shuffling: the images of a batch follow each other, and each epoch has the same ones. */
export const shapeOf = (size: Size, step = 0): BatchShape => ({
  ...size,
  classes,
  mean: Array.from({ length: size.channels }, () => 0.5),
  indices: Array.from({ length: size.batch }, (_, i) => (step % stepsPerEpoch) * size.batch + i),
})

/** The random stream that `compose` passes to a trick. */
export const randomFor = (trick: Trick, step: number, seed = 1): Step['random'] =>
  createRandom(seed).at(step).fork(keyOf(trick))

/** Images in [0, 1]; the first pixel of each is black and the last one white. */
export function imagesOf(size: Size, step = 0): tf.Tensor4D {
  const { batch, height, width, channels } = size
  const pixels = height * width * channels
  const values = createRandom(2)
    .at(step)
    .images(batch, (stream) => {
      const drawn = Array.from({ length: pixels }, () => stream.uniform())
      return drawn.fill(0, 0, channels).fill(1, pixels - channels)
    })
  return tf.tensor4d(values.flat(), [batch, height, width, channels])
}

export const targetsOf = ({ batch }: Size): tf.Tensor2D =>
  oneHot(
    Array.from({ length: batch }, (_, i) => (7 * i) % classes),
    classes,
  )

/** The weights of a small network: a convolution with a norm, and a dense layer. */
export function variablesOf(channels: number): Variables {
  const random = createRandom(3)
  const weights = (name: string, shape: number[], trainable = true): tf.Variable => {
    const stream = random.fork(name)
    const values = Array.from({ length: tf.util.sizeFromShape(shape) }, () => stream.normal())
    return tf.tidy(() => tf.variable(tf.tensor(values, shape), trainable))
  }
  return {
    'block1/conv/kernel': weights('kernel', [1, 1, channels, 6]),
    'block1/norm/gamma': weights('gamma', [6]),
    'block1/norm/beta': weights('beta', [6]),
    'block1/norm/moving_mean': weights('mean', [6], false),
    'dense/kernel': weights('dense', [6, classes]),
    'dense/bias': weights('bias', [classes]),
  }
}

/** Logits of the network of `variablesOf`; linear, so that every backend has its gradients. */
export function logitsOf(
  variables: Variables,
  images: tf.Tensor4D,
  statistics: 'update' | 'keep' | 'use' = 'use',
): tf.Tensor2D {
  const channels = images.shape[3]
  const kernel = tf.reshape<tf.Rank.R2>(variables['block1/conv/kernel']!, [channels, 6])
  const features = tf.matMul(tf.mean<tf.Tensor2D>(images, [1, 2]), kernel)
  const moving = variables['block1/norm/moving_mean']!
  const mean = statistics === 'use' ? moving : tf.mean(features, 0)
  if (statistics === 'update') moving.assign(tf.add(tf.mul(moving, 0.9), tf.mul(mean, 0.1)))
  const normal = tf.sub(features, mean)
  const scaled = tf.add(
    tf.mul(normal, variables['block1/norm/gamma']!),
    variables['block1/norm/beta']!,
  )
  return tf.add(
    tf.matMul(scaled as tf.Tensor2D, variables['dense/kernel'] as unknown as tf.Tensor2D),
    variables['dense/bias']!,
  )
}

export const runOf = (variables: Variables, size: Size, step = 0): Omit<Run, 'random'> => ({
  variables,
  data: {
    size: size.batch * stepsPerEpoch,
    height: size.height,
    width: size.width,
    channels: size.channels,
    classes,
    mean: shapeOf(size).mean,
    deviation: shapeOf(size).mean.map(() => 0.25),
  },
  batchSize: size.batch,
  time: timeAt(step),
})

/** A call of one hook on a synthetic batch. */
export interface Call {
  /** The hook's name, such as `images.apply`. */
  readonly hook: string
  readonly inputs: Tensors
  /** Whether the hook computes tensors only from its inputs, and so must not leave others behind. */
  readonly pure: boolean
  run(): unknown
  /** The draws for the hook. */
  params?(): unknown
}

/**
 * The calls of all hooks that a trick has, in the order of a step.
 *
 * @returns the calls, and a function that disposes their inputs
 */
export function callsOf(
  trick: Trick,
  size: Size,
  step = 0,
  seed = 1,
): { readonly calls: readonly Call[]; dispose(): void } {
  const time = timeAt(step)
  const random = randomFor(trick, step, seed)
  const shape = shapeOf(size, step)
  const variables = variablesOf(size.channels)
  const images = imagesOf(size, step)
  const targets = targetsOf(size)
  const normal = tf.tidy(() => tf.mul<tf.Tensor4D>(tf.sub(images, 0.5), 4))
  const logits = tf.tidy(() => tf.clone(logitsOf(variables, normal)))
  const prepared: Record<string, tf.Tensor> = {}
  const batch: PipelineBatch = { images: normal, targets, mixedTargets: targets, prepared, time }
  const inputs = { images, normal, targets, logits }
  const metrics = { loss: 2, accuracy: 0.25 }
  const calls: Call[] = []
  const call = (
    hook: string,
    given: Tensors,
    run: () => unknown,
    pure = false,
    params?: () => unknown,
  ): void => {
    calls.push({ hook, inputs: given, run, pure, params })
  }

  const pipeline = composeRun([trick], { seed, mean: shape.mean })
  pipeline.start(runOf(variables, size))
  const saved = pipeline.save()
  const own: Step = { time, random, state: saved[keyOf(trick)] }
  const start = (): object => ({
    ...variables,
    ...(trick.start!({
      ...runOf(variables, size),
      random: createRandom(seed).fork(keyOf(trick)),
    }) as object),
  })
  if (trick.start) call('start', {}, start)
  const { images: augment, mix } = trick
  if (augment) {
    let params: unknown
    call('images.draw', {}, () => void (params = augment.draw(random, shape, time)), true)
    call(
      'images.apply',
      { images },
      () => (params === undefined ? images : augment.apply(images, params)),
      true,
      () => params,
    )
  }
  if (mix) {
    const given = { images: normal, targets }
    let params: unknown
    call('mix.draw', {}, () => void (params = mix.draw(random, shape, time)), true)
    call(
      'mix.apply',
      given,
      () => (params === undefined ? given : mix.apply(given, params)),
      true,
      () => params,
    )
  }
  if (trick.targets) call('targets', { targets }, () => trick.targets!(targets, own), true)
  if (trick.prepare)
    call('prepare', { images: normal, targets }, () => {
      const made = trick.prepare!(batch, own)
      for (const [name, tensor] of Object.entries(made)) prepared[name] = tf.keep(tf.clone(tensor))
      return made
    })
  if (trick.loss) {
    const loss = tf.scalar(2)
    Object.assign(inputs, { loss })
    call(
      'loss',
      { loss, images: normal, targets, logits },
      () => trick.loss!(loss, { ...own, ...batch, logits }),
      true,
    )
  }
  if (trick.penalty) call('penalty', variables, () => trick.penalty!(variables, own), true)
  if (trick.gradients)
    call('gradients', { ...variables, images: normal, targets }, () => {
      const trainable = Object.entries(trainableOf(variables))
      return trick.gradients!(
        ({ batch: given = batch } = {}) => {
          const { grads } = tf.variableGrads(
            () => softmaxCrossEntropy(given.targets, logitsOf(variables, given.images, 'keep')),
            trainable.map(([, variable]) => variable),
          )
          return Object.fromEntries(trainable.map(([path, { name }]) => [path, grads[name]!]))
        },
        { ...own, batch, variables, predict: (given) => logitsOf(variables, given) },
      )
    })
  if (trick.learningRate)
    call('learningRate', {}, () => trick.learningRate!(0.1, time, own.state), true)
  if (trick.multipliers)
    call(
      'multipliers',
      {},
      () => void Object.keys(variables).map((path) => trick.multipliers!(path, time, own.state)),
      true,
    )
  if (trick.afterStep)
    call('afterStep', {}, () => {
      pipeline.afterStep(variables, time)
      return variables
    })
  for (const observer of pipeline.observe)
    call('observe', {}, () => observer.metrics(metrics, time))
  if (trick.afterEpoch)
    call('afterEpoch', {}, () => {
      const epoch = { epoch: 0, time, training: metrics, validation: metrics, variables }
      pipeline.afterEpoch(epoch)
    })
  if (trick.finish)
    call('finish', {}, () => pipeline.finish({ reason: 'finished', time, variables }))
  if (trick.evaluation?.weights)
    call('evaluation.weights', variables, () => trick.evaluation!.weights!(variables, own.state))
  if (trick.evaluation?.predict)
    call('evaluation.predict', { ...variables, images: normal }, () =>
      trick.evaluation!.predict!((given) => logitsOf(variables, given), normal, own.state),
    )
  const dispose = (): void => {
    pipeline.dispose()
    tf.dispose([inputs, prepared, variables, saved as tf.TensorContainerObject])
  }
  return { calls, dispose }
}

/** The tensors in a hook's result. */
export function tensorsIn(value: unknown): Tensors {
  if (value instanceof tf.Tensor) return { result: value }
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter(([, entry]) => entry instanceof tf.Tensor),
  ) as Tensors
}
