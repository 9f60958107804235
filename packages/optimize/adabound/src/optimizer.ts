import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'
import { hasKernel, runKernel } from '@tricks/kernels'
import { type Part, SlotOptimizer } from '@tricks/optimizer'
import { type AdaBoundOptions, adaboundOptions } from './options.ts'

/** The means m and v, and with AMSBound the largest v. */
type Role = 'm' | 'v' | 'max'
type Update = (part: Part<Role>) => void

/** The optimizer that `adabound` creates. */
export class AdaBound extends SlotOptimizer<Role> {
  static readonly className: string = 'AdaBound'

  private readonly options: Required<AdaBoundOptions>

  constructor(given: AdaBoundOptions = {}) {
    const options = adaboundOptions.parse(given)
    const { learningRate, baseLearningRate = learningRate } = options
    super('adabound', learningRate, options.amsbound ? ['m', 'v', 'max'] : ['m', 'v'])
    const known = adaboundOptions.kinds.baseLearningRate.accepts(baseLearningRate)
    const range = 'a number from 1e-20 to 1e6, or 0 with a baseLearningRate'
    assertArgument(known, 'adabound', { learningRate }, range)
    this.options = { ...options, baseLearningRate }
  }

  protected override update(parts: readonly Part<Role>[]): void {
    const updates = new Map<string, Update>()
    for (const part of parts) {
      const key = `${part.t} ${part.decay}`
      const update = updates.get(key) ?? this.updater(part)
      updates.set(key, update)
      update(part)
    }
  }

  /**
   * Returns the update of a variable in its step t, from 1. Uses the backend's kernel if present, except for AMSBound.
   */
  private updater({ t, decay: factor }: Part<Role>): Update {
    const { beta1, beta2, gamma, epsilon, decoupled, amsbound } = this.options
    const { finalLearningRate, baseLearningRate } = this.options
    const weightDecay = this.options.weightDecay * factor
    const final = (finalLearningRate * this.learningRate) / baseLearningRate
    const rate = (this.learningRate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t)
    const lower = final * (1 - 1 / (gamma * t + 1))
    const upper = final * (1 + 1 / (gamma * t))
    const [decay, kept] = decoupled ? [0, 1 - weightDecay] : [weightDecay, 1]
    if (!amsbound && hasKernel('AdaBoundUpdate')) {
      const list = [rate, lower, upper, beta1, 1 - beta1, beta2, 1 - beta2, epsilon, decay, kept]
      const numbers = tf.tensor1d(list)
      return ({ variable, gradient, kept: { m, v } }) => {
        const inputs = { variable, gradient, m, v, numbers }
        const made = runKernel('AdaBoundUpdate', inputs)
        ;[variable, m, v].forEach((each, i) => each.assign(made[i]!))
      }
    }
    return ({ variable, gradient, kept: { m, v, max } }) => {
      const g = decay > 0 ? tf.add(gradient, tf.mul(variable, decay)) : gradient
      m.assign(tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1)))
      v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2)))
      if (amsbound) max.assign(tf.maximum(max, v))
      const root = tf.sqrt(amsbound ? max : v)
      const rates = tf.clipByValue(tf.div(rate, tf.add(root, epsilon)), lower, upper)
      const before = kept < 1 ? tf.mul(variable, kept) : variable
      variable.assign(tf.sub(before, tf.mul(rates, m)))
    }
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...this.options, learningRate: this.learningRate }
  }
}

tf.serialization.registerClass(AdaBound)
