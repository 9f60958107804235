// Updates of weights and statistics as one op: momentum's for all variables, AdaBound's per variable. TensorFlow.js composes them
// from six and from fifteen ops per variable.
import * as tf from '@tensorflow/tfjs-core'
import type { NativeBackend } from '../backend.ts'
import { hasOps } from '../load.ts'
import { backendName, execute, extend, flag, input, real, whole } from './op.ts'

/** Registers the kernels of updates, and of what is known of all gradients. */
export function registerUpdates(): void {
  if (!hasOps()) return
  extend('AdaBoundUpdate', () => (call) => {
    const inputs = ['variable', 'gradient', 'm', 'v', 'numbers'].map((name) => input(call, name))
    return execute(call, 'TricksAdaBound', inputs, {}, { outputs: 3 })
  })
  extend('MoveStatistics', () => (call) => {
    const names = ['movingMean', 'movingVariance', 'mean', 'variance']
    const inputs = names.map((name) => input(call, name))
    const { momentum, correction } = call.attrs as Record<string, number>
    const attrs = {
      kept: real(momentum!),
      added: real(1 - momentum!),
      correction: real(correction!),
    }
    return execute(call, 'TricksMoveStatistics', inputs, attrs, { outputs: 2 })
  })
  extend('Sums', () => (call) => {
    const tensors = Object.values(call.inputs) as tf.Tensor[]
    return execute(call, 'TricksSums', tensors, { n: whole(tensors.length) })[0]!
  })
}

/** The private parts of tfjs's optimizer that are used here. */
interface Momentum {
  readonly accumulations: readonly { readonly variable: tf.Variable }[]
  /** Minus the rate. */
  readonly c: tf.Scalar
  readonly m: tf.Scalar
  readonly useNesterov: boolean
  incrementIterations(): void
}

const overridden = new WeakSet<tf.MomentumOptimizer>()

/** Replaces the update of tfjs's momentum optimizer while this backend is the current one. */
export function overrideMomentum(): void {
  const { prototype } = tf.MomentumOptimizer
  if (!hasOps() || overridden.has(prototype)) return
  overridden.add(prototype)
  const { applyGradients } = prototype
  prototype.applyGradients = function (gradients) {
    const { accumulations, c, m, useNesterov } = this as unknown as Momentum
    const list = Array.isArray(gradients)
      ? gradients
      : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor: tensor as tf.Tensor }))
    // The first step creates the accumulations.
    const known = list.every(({ tensor }, i) => tensor && accumulations[i])
    if (!known || list.length === 0 || tf.getBackend() !== backendName)
      return applyGradients.call(this, gradients)
    const backend = tf.backend() as NativeBackend
    const variables = list.map(({ name }) => tf.engine().registeredVariables[name]!)
    const changed = [...variables, ...list.map((_, i) => accumulations[i]!.variable)]
    tf.tidy(() => {
      const inputs = [...changed, ...list.map(({ tensor }) => tensor), c, m]
      const attrs = { n: whole(list.length), nesterov: flag(useNesterov) }
      const outputs = changed.length
      const made = execute({ backend }, 'TricksMomentum', inputs, attrs, { outputs })
      for (const [i, variable] of changed.entries()) variable.assign(made[i]!)
    })
    ;(this as unknown as Momentum).incrementIterations()
  }
}
