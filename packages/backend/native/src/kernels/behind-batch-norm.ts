// Fuses what follows batch normalisation: an activation, a relu with max pooling, or a residual block's sum with its relu.
// The output of batch normalisation is computed lazily, so that these kernels can take x instead and do everything in one
// pass, and likewise for the gradient: intermediate tensors are never written.
import * as tf from '@tensorflow/tfjs-core'
import type { Handle } from '../backend.ts'
import { hasOps } from '../load.ts'
import { type Activation, isBfloat16, lazily, pendingOf } from '../tensors.ts'
import {
  type Call,
  type Kernel,
  execute,
  extend,
  input,
  precisionOf,
  real,
  run,
  whole,
} from './op.ts'

const numbers = { none: 0, relu: 1, gelu: 2, relu6: 3 } as const
/** The number of an activation in our ops. */
export const numberOf = (activation: keyof typeof numbers): number => numbers[activation]

/**
 * Batch normalisation and an activation that are computed lazily.
 *
 * @param inputs x, gamma, beta, mean, variance
 */
export function normalized(
  call: Call,
  inputs: readonly tf.Tensor[],
  epsilon: number,
  activation: Activation | 'none' = 'none',
): tf.Tensor {
  const x = inputs[0]!
  return lazily(call.backend, x.shape, {
    inputs,
    in16: precisionOf(call, x) === 'bfloat16',
    compute: (...given) => normalize(call, given, epsilon, activation),
    about: { is: 'normalized', epsilon, activation },
  })
}

/**
 * Computes batch normalisation and an activation.
 *
 * @param inputs x, gamma, beta, mean, variance, and optionally a shortcut to add before the activation
 */
function normalize(
  call: Call,
  inputs: readonly tf.Tensor[],
  epsilon: number,
  activation: Activation | 'none',
): Handle {
  const op = inputs.length > 5 ? 'TricksNormalizeAdd' : 'TricksNormalize'
  const execution = { precision: precisionOf(call, inputs[0]!), typed: [0, 5] }
  const attrs = { epsilon: real(epsilon), activation: whole(numberOf(activation)) }
  return run(call, op, inputs, attrs, execution)[0]!
}

interface Normalized {
  /** x, gamma, beta, mean, variance */
  readonly inputs: readonly tf.Tensor[]
  readonly epsilon: number
  readonly activation: Activation | 'none'
}

/** For a lazy output of batch normalisation, or of an activation behind it: what it is computed from. */
export function anyNormalizedOf(call: Call, tensor: tf.Tensor): Normalized | undefined {
  const pending = pendingOf(call.backend, tensor)
  if (pending?.about?.is !== 'normalized') return undefined
  const { epsilon, activation } = pending.about
  return { inputs: pending.inputs, epsilon, activation }
}

/** The same, if the activation is this one. */
function normalizedOf(call: Call, tensor: tf.Tensor, activation: Activation | 'none' = 'none') {
  const found = anyNormalizedOf(call, tensor)
  return found?.activation === activation ? found : undefined
}

/** The end of a residual block: the sum waits for the relu, like the output of batch normalisation. */
function add(original: Kernel): Kernel {
  return (call) => {
    const both = [input(call, 'a'), input(call, 'b')]
    const at = both.findIndex((each) => normalizedOf(call, each))
    const [first, shortcut] = [both[at], both[1 - at]]
    if (!first || !shortcut || first.dataId === shortcut.dataId) return original(call)
    const in16 = isBfloat16(call.backend, first)
    const alike =
      tf.util.arraysEqual(first.shape, shortcut.shape) &&
      shortcut.dtype === 'float32' &&
      in16 === isBfloat16(call.backend, shortcut)
    if (!alike) return original(call)
    return lazily(call.backend, first.shape, {
      inputs: [first, shortcut],
      in16,
      compute: (...inputs) => sum(call, inputs, 'none'),
      about: { is: 'sum' },
    })
  }
}

function sum(call: Call, inputs: readonly tf.Tensor[], activation: 'relu' | 'none'): Handle {
  const [first, shortcut] = inputs as [tf.Tensor, tf.Tensor]
  const before = normalizedOf(call, first)
  if (before) return normalize(call, [...before.inputs, shortcut], before.epsilon, activation)
  const precision = precisionOf(call, first)
  return run(call, 'AddV2', inputs, {}, { precision })[0]!
}

function rectifySum(original: Kernel): Kernel {
  return (call) => {
    const pending = pendingOf(call.backend, input(call, 'x'))
    if (pending?.about?.is !== 'sum' || !normalizedOf(call, pending.inputs[0]!))
      return original(call)
    const y = call.backend.createOutputTensor(sum(call, pending.inputs, 'relu'))
    // For the gradient, which only needs to know where the sum was above 0.
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

/** Applies an activation to a lazy output of batch normalisation: lazily, in case it is pooled. */
const activate =
  (activation: Activation) =>
  (original: Kernel): Kernel =>
  (call) => {
    const before = normalizedOf(call, input(call, 'x'))
    return before ? normalized(call, before.inputs, before.epsilon, activation) : original(call)
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

/** Batch normalisation, relu and max pooling over 2 × 2 pixels at once, if the first two are still to be computed. */
export function poolBehindRelu(call: Call): tf.Tensor | undefined {
  const x = input(call, 'x')
  const before = normalizedOf(call, x, 'relu')
  if (!before) return undefined
  const execution = { precision: precisionOf(call, x), typed: [0] }
  const attrs = { epsilon: real(before.epsilon) }
  return execute(call, 'TricksNormalizePool', before.inputs, attrs, execution)[0]!
}

/**
 * The gradient before the max pooling of a relu, if that waits to be computed.
 *
 * @param inputs x, y and dy of the pooling
 * @param compute for all uses but the gradient of that batch normalisation
 */
export function beforePooling(
  call: Call,
  inputs: readonly [tf.Tensor, tf.Tensor, tf.Tensor],
  compute: (...inputs: tf.Tensor[]) => Handle,
): tf.Tensor | undefined {
  const [x] = inputs
  if (!normalizedOf(call, x, 'relu')) return undefined
  return lazily(call.backend, x.shape, {
    inputs,
    in16: isBfloat16(call.backend, x),
    compute,
    about: { is: 'gradient before pooling' },
  })
}

interface Upstream {
  readonly dy: tf.Tensor
  readonly beta?: tf.Tensor
  /** The activation that dy has yet to pass. */
  readonly activation: Activation | 'none'
  /** Whether dy has yet to pass max pooling, too. */
  readonly pooled?: boolean
}

/**
 * The gradient after what follows a batch normalisation, if it waits to be passed through all at once, with the latter's
 * beta. Otherwise only dy.
 */
export function afterActivation(call: Call): Upstream {
  const [x, dy] = [input(call, 'x'), input(call, 'dy')]
  const pending = pendingOf(call.backend, dy)
  if (pending?.about?.is !== 'gradient before') return { dy, activation: 'none' }
  const { activation } = pending.about
  const [behind, between] = pending.inputs as [tf.Tensor, tf.Tensor]
  const before = pendingOf(call.backend, between)
  if (before?.inputs[0]!.dataId !== x.dataId) return { dy, activation: 'none' }
  const beta = before.inputs[2]!
  const further = pendingOf(call.backend, behind)
  if (further?.about?.is !== 'gradient before pooling') return { dy: behind, beta, activation }
  const [rectified, , after] = further.inputs as [tf.Tensor, tf.Tensor, tf.Tensor]
  const same = normalizedOf(call, rectified, 'relu')?.inputs[0]!.dataId === x.dataId
  return same ? { dy: after, beta, activation, pooled: true } : { dy: behind, beta, activation }
}

export function registerBehindBatchNorm(): void {
  extend(tf.Add, add)
  extend(tf.Relu, rectifySum)
  extend(tf.Relu, activate('relu'))
  extend('ReluGrad', rectifySumGradient)
  extend('ReluGrad', activateGradient('relu', 'ReluGrad'))
  extend(tf.Relu6, activate('relu6'))
  extend('Relu6Grad', activateGradient('relu6', 'Relu6Grad'))
  if (!hasOps()) return
  extend('Gelu', activate('gelu'))
  extend('GeluGrad', activateGradient('gelu', 'TricksGeluGrad'))
}
