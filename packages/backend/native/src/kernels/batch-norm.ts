// Batch normalisation as one op, and its gradient as another.
import * as tf from '@tensorflow/tfjs-core'
import { isLastUse } from '../release.ts'
import { hasOwnMemory, isHeldOnce } from '../tensors.ts'
import { afterActivation, normalized, numberOf } from './behind-batch-norm.ts'
import {
  type Attribute,
  type Call,
  type Info,
  type Kernel,
  execute,
  extend,
  flag,
  input,
  opsTake,
  real,
  precisionOf,
  text,
  type,
  whole,
} from './op.ts'

function attributes(epsilon: number, training: boolean): Record<string, Attribute> {
  return {
    U: type('float32'),
    epsilon: real(epsilon),
    data_format: text('NHWC'),
    is_training: flag(training),
  }
}

/** The ops take `[batch, height, width, channels]`; other ranks are reshaped to a column of pixels. */
function asImages(x: Info): tf.Tensor4D {
  return x.rank === 4 ? (x as tf.Tensor4D) : tf.reshape(x, [-1, 1, 1, x.shape.at(-1)!])
}

const as = (y: tf.Tensor, shape: number[]): tf.Tensor =>
  shape.length === 4 ? y : tf.reshape(y, shape)

/** x, gamma, beta → y, mean, variance (biased), with batch statistics. */
function train(call: Call): Info[] {
  const x = input(call, 'x')
  const epsilon = call.attrs['epsilon'] as number
  if (opsTake(x)) return trainByOps(call, epsilon)
  return tf.tidy(() => {
    const none = tf.tensor1d([])
    const [y, mean, unbiased] = execute(
      call,
      'FusedBatchNormV2',
      [asImages(x), input(call, 'gamma'), input(call, 'beta'), none, none],
      { ...attributes(epsilon, true), exponential_avg_factor: real(1) },
      { outputs: 5, precision: precisionOf(call, x), typed: [0] },
    )
    const count = x.size / x.shape.at(-1)!
    const variance = tf.mul(unbiased!, Math.max(1, count - 1) / count)
    return [as(y!, x.shape), mean!, variance]
  })
}

/** Computes the statistics immediately, and y when it is used. */
function trainByOps(call: Call, epsilon: number): Info[] {
  const x = input(call, 'x')
  const precision = precisionOf(call, x)
  const [mean, variance] = execute(call, 'TricksMoments', [x], {}, { outputs: 2, precision })
  const inputs = [x, input(call, 'gamma'), input(call, 'beta'), mean!, variance!]
  return [normalized(call, inputs, epsilon), mean!, variance!]
}

/** Whether nothing else reads the gradient's memory: dy's, or that of the gradient after the activation. */
function canOverwrite(call: Call, gradient: tf.Tensor): boolean {
  const dy = input(call, 'dy')
  const { backend } = call
  return isLastUse(dy) && isHeldOnce(backend, dy) && hasOwnMemory(backend, gradient)
}

function gradientByOps(call: Call, epsilon: number): Info[] {
  const [x, gamma] = [input(call, 'x'), input(call, 'gamma')]
  const { dy, beta = gamma, activation, pooled } = afterActivation(call)
  const inputs = [x, dy, gamma, beta, input(call, 'mean'), input(call, 'variance')]
  const execution = { outputs: 3, precision: precisionOf(call, x), typed: [0, 1] }
  if (pooled)
    return execute(call, 'TricksNormalizePoolGrad', inputs, { epsilon: real(epsilon) }, execution)
  const attrs = {
    epsilon: real(epsilon),
    activation: whole(numberOf(activation)),
    overwrite: flag(canOverwrite(call, dy)),
  }
  return execute(call, 'TricksNormalizeGrad', inputs, attrs, execution)
}

/** On a GPU the op takes 1 / √(variance + epsilon), on a CPU the variance. */
function saved(call: Call, epsilon: number, variance: Info): Info {
  if (!call.backend.isUsingGpuDevice) return variance
  return tf.rsqrt(tf.add(variance, epsilon))
}

/** x, dy, gamma, mean, variance → dx, dgamma, dbeta */
function trainGradient(call: Call): Info[] {
  const x = input(call, 'x')
  const epsilon = call.attrs['epsilon'] as number
  if (opsTake(x)) return gradientByOps(call, epsilon)
  return tf.tidy(() => {
    const [dx, dGamma, dBeta] = execute(
      call,
      'FusedBatchNormGradV2',
      [
        asImages(input(call, 'dy')),
        asImages(x),
        input(call, 'gamma'),
        input(call, 'mean'),
        saved(call, epsilon, input(call, 'variance')),
      ],
      attributes(epsilon, true),
      { outputs: 5, precision: precisionOf(call, x), typed: [0, 1] },
    )
    return [as(dx!, x.shape), dGamma!, dBeta!]
  })
}

/** tf.batchNorm with given statistics, as in evaluation; waits for an activation, as in training. */
function normalizeByGiven(original: Kernel): Kernel {
  return (call) => {
    const x = input(call, 'x')
    const [mean, variance] = [input(call, 'mean'), input(call, 'variance')]
    const { scale, offset } = call.inputs
    const channels = x.shape.at(-1)!
    const byChannel = [mean, variance, scale, offset].every(
      (each) => !each || (each.rank === 1 && each.size === channels),
    )
    if (!byChannel || !opsTake(x)) return original(call)
    return tf.tidy(() => {
      const [gamma, beta] = [scale ?? tf.ones([channels]), offset ?? tf.zeros([channels])]
      const epsilon = call.attrs['varianceEpsilon'] as number
      return normalized(call, [x, gamma, beta, mean, variance], epsilon)
    })
  }
}

/** The gradient of tf.batchNorm with given statistics: x, dy, gamma, mean, variance → dx, dgamma, dbeta */
function normalizeGradient(call: Call): Info[] {
  const x = input(call, 'x')
  const epsilon = call.attrs['epsilon'] as number
  return tf.tidy(() => {
    const statistics = [input(call, 'mean'), input(call, 'variance')]
    const [dx, dGamma, dBeta] = execute(
      call,
      'FusedBatchNormGradV2',
      [asImages(input(call, 'dy')), asImages(x), input(call, 'gamma'), ...statistics],
      attributes(epsilon, false),
      { outputs: 5, precision: precisionOf(call, x), typed: [0, 1] },
    )
    return [as(dx!, x.shape), dGamma!, dBeta!]
  })
}

export function registerBatchNorm(): void {
  extend('BatchNormTraining', () => train)
  extend('BatchNormTrainingGrad', () => trainGradient)
  extend(tf.FusedBatchNorm, normalizeByGiven)
  extend('FusedBatchNormGrad', () => normalizeGradient)
}
