// Weight updates as one op per variable; TensorFlow.js composes momentum's from six ops and AdaBound's from fifteen.
import * as tf from '@tensorflow/tfjs-core'
import type { NativeBackend } from '../backend.ts'
import { hasOps } from '../load.ts'
import { backendName, execute, extend, flag, input } from './op.ts'

/** Registers the kernel that @tricks/adabound uses. */
export function registerUpdates(): void {
  if (!hasOps()) return
  extend('AdaBoundUpdate', () => (call) => {
    const inputs = ['variable', 'gradient', 'm', 'v', 'numbers'].map((name) => input(call, name))
    return execute(call, 'TricksAdaBound', inputs, {}, { outputs: 3 })
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
    if (!known || tf.getBackend() !== backendName) return applyGradients.call(this, gradients)
    const backend = tf.backend() as NativeBackend
    list.forEach(({ name, tensor }, i) => {
      const variable = tf.engine().registeredVariables[name]!
      const accumulation = accumulations[i]!.variable
      tf.tidy(() => {
        const inputs = [variable, accumulation, tensor, c, m]
        const attrs = { nesterov: flag(useNesterov) }
        const made = execute({ backend }, 'TricksMomentum', inputs, attrs, { outputs: 2 })
        variable.assign(made[0]!)
        accumulation.assign(made[1]!)
      })
    })
    ;(this as unknown as Momentum).incrementIterations()
  }
}
