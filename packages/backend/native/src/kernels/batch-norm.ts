// Batch normalisation as one op with the activation behind it, and its gradient as another.
import * as tf from '@tensorflow/tfjs-core'
import type { Handle } from '../backend.ts'
import { hasOps } from '../load.ts'
import { type Activation, isIn16, lazily, pendingOf } from '../tensors.ts'
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
  overrideGradient,
  precisionOf,
  run,
  runKernel,
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

/** The ops take `[batch, height, width, channels]`; any other rank is seen as a column of pixels. */
function asImages(x: Info): tf.Tensor4D {
  return x.rank === 4 ? (x as tf.Tensor4D) : tf.reshape(x, [-1, 1, 1, x.shape.at(-1)!])
}

const as = (y: tf.Tensor, shape: number[]): tf.Tensor =>
  shape.length === 4 ? y : tf.reshape(y, shape)

/** x, gamma, beta → y, mean, variance (biased), by the batch's own statistics. */
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

/**
 * The statistics at once; y when it is used. An activation takes x instead and does both in one pass, and so does the
 * gradient: what lies between the two is never written.
 */
function trainByOps(call: Call, epsilon: number): Info[] {
  const x = input(call, 'x')
  const precision = precisionOf(call, x)
  const [mean, variance] = execute(call, 'TricksMoments', [x], {}, { outputs: 2, precision })
  const y = lazily(call.backend, x.shape, {
    inputs: [x, input(call, 'gamma'), input(call, 'beta'), mean!, variance!],
    in16: precision === 'bfloat16',
    compute: (...inputs) => normalize(call, inputs, epsilon, 'none'),
    about: { is: 'normalized', epsilon },
  })
  return [y, mean!, variance!]
}

/** The numbers of activations in our ops. */
const numbers: Readonly<Record<Activation | 'none', number>> = { none: 0, relu: 1, gelu: 2 }

/** @param inputs x, gamma, beta, mean, variance, and a shortcut to add where there is one */
function normalize(
  call: Call,
  inputs: readonly tf.Tensor[],
  epsilon: number,
  activation: Activation | 'none',
): Handle {
  const op = inputs.length > 5 ? 'TricksNormalizeAdd' : 'TricksNormalize'
  const execution = { precision: precisionOf(call, inputs[0]!), typed: [0, 5] }
  const attrs = { epsilon: real(epsilon), activation: whole(numbers[activation]) }
  return run(call, op, inputs, attrs, execution)[0]!
}

/** Where batch normalisation has not yet computed a tensor, how it would: by what, and its epsilon. */
function normalizedOf(call: Call, tensor: tf.Tensor) {
  const pending = pendingOf(call.backend, tensor)
  return pending?.about?.is === 'normalized'
    ? { inputs: pending.inputs, epsilon: pending.about.epsilon }
    : undefined
}

/** The end of a residual block: the sum waits for the rectifier, as what batch normalisation gives does. */
function add(original: Kernel): Kernel {
  return (call) => {
    const both = [input(call, 'a'), input(call, 'b')]
    const at = both.findIndex((each) => normalizedOf(call, each))
    const [normalized, shortcut] = [both[at], both[1 - at]]
    if (!normalized || !shortcut || normalized.dataId === shortcut.dataId) return original(call)
    const in16 = isIn16(call.backend, normalized)
    const alike =
      tf.util.arraysEqual(normalized.shape, shortcut.shape) &&
      shortcut.dtype === 'float32' &&
      in16 === isIn16(call.backend, shortcut)
    if (!alike) return original(call)
    return lazily(call.backend, normalized.shape, {
      inputs: [normalized, shortcut],
      in16,
      compute: (...inputs) => sum(call, inputs, 'none'),
      about: { is: 'sum' },
    })
  }
}

function sum(call: Call, inputs: readonly tf.Tensor[], activation: 'relu' | 'none'): Handle {
  const [normalized, shortcut] = inputs as [tf.Tensor, tf.Tensor]
  const before = normalizedOf(call, normalized)
  if (before) return normalize(call, [...before.inputs, shortcut], before.epsilon, activation)
  const precision = precisionOf(call, normalized)
  return run(call, 'AddV2', inputs, {}, { precision })[0]!
}

function rectifySum(original: Kernel): Kernel {
  return (call) => {
    const pending = pendingOf(call.backend, input(call, 'x'))
    if (pending?.about?.is !== 'sum' || !normalizedOf(call, pending.inputs[0]!))
      return original(call)
    const y = call.backend.createOutputTensor(sum(call, pending.inputs, 'relu'))
    // For the gradient, which asks where the sum was above 0 and needs no more.
    pending.rectified ??= tf.keep(tf.clone(y))
    return y
  }
}

function rectifySumGradient(original: Kernel): Kernel {
  return (call) => {
    const { rectified } = pendingOf(call.backend, input(call, 'x')) ?? {}
    return original(rectified ? { ...call, inputs: { ...call.inputs, x: rectified } } : call)
  }
}

/** The activation, of what batch normalisation has not yet computed. */
const activate =
  (activation: Activation) =>
  (original: Kernel): Kernel =>
  (call) => {
    const before = normalizedOf(call, input(call, 'x'))
    if (!before) return original(call)
    const handle = normalize(call, before.inputs, before.epsilon, activation)
    return call.backend.createOutputTensor(handle)
  }

const activateGradient =
  (activation: Activation, op: string) =>
  (original: Kernel): Kernel =>
  (call) => {
    const [x, dy] = [input(call, 'x'), input(call, 'dy')]
    if (!normalizedOf(call, x)) return original(call)
    const precision = precisionOf(call, x)
    return lazily(call.backend, x.shape, {
      inputs: [dy, x],
      in16: precision === 'bfloat16',
      compute: (...inputs) => run(call, op, inputs, {}, { precision })[0]!,
      about: { is: 'gradient before', activation },
    })
  }

function gradientByOps(call: Call, epsilon: number): Info[] {
  const [x, gamma] = [input(call, 'x'), input(call, 'gamma')]
  let [dy, beta] = [input(call, 'dy'), gamma]
  let activation: Activation | 'none' = 'none'
  const pending = pendingOf(call.backend, dy)
  if (pending?.about?.is === 'gradient before') {
    const [behind, between] = pending.inputs as [tf.Tensor, tf.Tensor]
    const normalized = pendingOf(call.backend, between)
    if (normalized?.inputs[0]!.dataId === x.dataId)
      [dy, beta, activation] = [behind, normalized.inputs[2]!, pending.about.activation]
  }
  const inputs = [x, dy, gamma, beta, input(call, 'mean'), input(call, 'variance')]
  const attrs = { epsilon: real(epsilon), activation: whole(numbers[activation]) }
  const execution = { outputs: 3, precision: precisionOf(call, x), typed: [0, 1] }
  return execute(call, 'TricksNormalizeGrad', inputs, attrs, execution)
}

/** On a GPU the op takes 1 / √(variance + epsilon) where on a CPU it takes the variance. */
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

/** x, dy, mean, variance, scale → the gradients of x, scale and offset of tf.batchNorm by given statistics. */
function normalizeGradient(call: Call): Info[] {
  const x = input(call, 'x')
  const epsilon = call.attrs['varianceEpsilon'] as number
  return tf.tidy(() => {
    const scale = call.inputs['scale'] ?? tf.ones([x.shape.at(-1)!])
    const statistics = [input(call, 'mean'), input(call, 'variance')]
    const [dx, dScale, dOffset] = execute(
      call,
      'FusedBatchNormGradV2',
      [asImages(input(call, 'dy')), asImages(x), scale, ...statistics],
      attributes(epsilon, false),
      { outputs: 5, precision: precisionOf(call, x), typed: [0, 1] },
    )
    return [as(dx!, x.shape), dScale!, dOffset!]
  })
}

export function registerBatchNorm(): void {
  extend('BatchNormTraining', () => train)
  extend('BatchNormTrainingGrad', () => trainGradient)
  extend('FusedBatchNormGrad', () => normalizeGradient)
  extend(tf.Add, add)
  extend(tf.Relu, rectifySum)
  extend(tf.Relu, activate('relu'))
  extend('ReluGrad', rectifySumGradient)
  extend('ReluGrad', activateGradient('relu', 'ReluGrad'))
  if (!hasOps()) return
  extend('Gelu', activate('gelu'))
  extend('GeluGrad', activateGradient('gelu', 'TricksGeluGrad'))
}

export function overrideBatchNormGradient(): void {
  overrideGradient(
    tf.FusedBatchNorm,
    (_, [x, ...statistics]) =>
      statistics.every((each) => !each || (each.rank === 1 && each.size === x!.shape.at(-1))),
    (upstream, [x, mean, variance, scale], attrs) => {
      const dy = upstream as tf.Tensor
      const inputs = { x: x!, dy, mean: mean!, variance: variance!, ...(scale ? { scale } : {}) }
      const [dx, dScale, dOffset] = runKernel('FusedBatchNormGrad', inputs, attrs) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ]
      const inverse = tf.rsqrt(tf.add(variance!, attrs['varianceEpsilon'] as number))
      const factor = scale ? tf.mul(inverse, scale) : inverse
      return {
        x: () => dx,
        mean: () => tf.neg(tf.mul(dOffset, factor)),
        variance: () => tf.mul(tf.mul(dScale, -0.5), tf.mul(factor, inverse)),
        scale: () => dScale,
        offset: () => dOffset,
      }
    },
  )
}
