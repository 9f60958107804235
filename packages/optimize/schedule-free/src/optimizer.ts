import * as tf from '@tensorflow/tfjs-core'
import { type Part, SlotOptimizer } from '@tricks/optimizer'
import {
  type ScheduleFreeAdamwOptions,
  scheduleFreeAdamwOptions,
  type ScheduleFreeSgdOptions,
  scheduleFreeSgdOptions,
} from './options.ts'

/** The base z, which the gradients move, and with Adam the running mean of the squared gradients. */
type Role = 'base' | 'v'

interface Base {
  readonly learningRate: number
  readonly warmupSteps: number
  readonly weightDecay: number
}

/** Base class of both: the variables hold y, between the base z and the average x. */
export abstract class ScheduleFree extends SlotOptimizer<Role> {
  protected readonly options: Base
  /** The weight of the average x in y. */
  private readonly share: number
  protected override readonly totals: { weights: number; largestRate: number } & Record<
    string,
    number
  > = { weights: 0, largestRate: 0 }

  constructor(options: Base, share: number, roles: readonly Role[]) {
    super('schedule-free', options.learningRate, roles)
    this.options = options
    this.share = share
  }

  /** The direction in which the base moves, including decay. */
  protected abstract direction(part: Part<Role>): tf.Tensor

  protected override initial(role: Role, variable: tf.Variable): tf.Tensor {
    return role === 'base' ? variable.clone() : tf.zeros(variable.shape)
  }

  protected override update(parts: readonly Part<Role>[]): void {
    const { warmupSteps } = this.options
    const k = this.iterations + 1
    const rate = this.learningRate * (k <= warmupSteps ? k / warmupSteps : 1)
    const { totals } = this
    totals.largestRate = Math.max(rate, totals.largestRate)
    // In the average, a step is weighted by the square of the largest rate so far.
    const weight = totals.largestRate ** 2
    totals.weights += weight
    const part = totals.weights === 0 ? 0 : weight / totals.weights
    for (const each of parts) {
      const { variable, kept } = each
      const { base } = kept
      const step = this.direction(each)
      const nearer = tf.add(variable, tf.mul(tf.sub(base, variable), part))
      variable.assign(tf.add(nearer, tf.mul(step, rate * (this.share * (1 - part) - 1))))
      base.assign(tf.sub(base, tf.mul(step, rate)))
    }
  }

  /**
   * The averaged weights, to evaluate and to keep: x = y + (1 − 1 / share) · (z − y).
   *
   * @returns by variable name; the caller disposes them
   */
  evaluationWeights(): Record<string, tf.Tensor> {
    const averages = [...this.known()].map(({ variable, kept }) => [
      variable.name,
      tf.tidy(() => tf.add(variable, tf.mul(tf.sub(kept.base, variable), 1 - 1 / this.share))),
    ])
    return Object.fromEntries(averages) as Record<string, tf.Tensor>
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...this.options, learningRate: this.learningRate }
  }
}

/** The optimizer that `scheduleFreeSgd` creates. */
export class ScheduleFreeSgd extends ScheduleFree {
  static readonly className: string = 'ScheduleFreeSgd'

  constructor(given: ScheduleFreeSgdOptions = {}) {
    const options = scheduleFreeSgdOptions.parse(given)
    super(options, options.momentum, ['base'])
  }

  protected override direction({ variable, gradient, decay }: Part<Role>): tf.Tensor {
    const strength = this.options.weightDecay * decay
    return strength > 0 ? tf.add(gradient, tf.mul(variable, strength)) : gradient
  }
}

/** The optimizer that `scheduleFreeAdamw` creates. */
export class ScheduleFreeAdamW extends ScheduleFree {
  static readonly className: string = 'ScheduleFreeAdamW'

  private readonly adam: { readonly beta2: number; readonly epsilon: number }

  constructor(given: ScheduleFreeAdamwOptions = {}) {
    const options = scheduleFreeAdamwOptions.parse(given)
    super(options, options.beta1, ['base', 'v'])
    this.adam = options
  }

  protected override direction({ variable, gradient, kept, t, decay }: Part<Role>): tf.Tensor {
    const { beta2, epsilon } = this.adam
    const { v } = kept
    v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), 1 - beta2)))
    const normalized = tf.div(gradient, tf.add(tf.sqrt(tf.div(v, 1 - beta2 ** t)), epsilon))
    const strength = this.options.weightDecay * decay
    return strength > 0 ? tf.add(normalized, tf.mul(variable, strength)) : normalized
  }
}

tf.serialization.registerClass(ScheduleFreeSgd)
tf.serialization.registerClass(ScheduleFreeAdamW)
