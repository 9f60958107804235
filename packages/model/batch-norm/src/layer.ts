import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { hasKernel } from '@tricks/kernels'
import { byKernels, byOperations } from './normalize.ts'

export interface BatchNormOptions {
  /**
   * How much of a moving statistic stays at each step, in [0, 1), default 0.99. It is Keras's and
   * tfjs-layers' convention: moving = momentum · moving + (1 − momentum) · batch; torch's momentum is 1 minus it.
   */
  readonly momentum?: number
  /** Added to the variance before its square root, positive, default 1e-5 as in torch. */
  readonly epsilon?: number
  /** What gamma starts from, default 1. With 0 the last layer of a residual branch starts it as the identity. */
  readonly gamma?: 0 | 1
  /** The layer's name. */
  readonly name?: string
}

type LayerOptions = BatchNormOptions & ConstructorParameters<typeof layers.layers.Layer>[0]

/** The layer that `batchNorm` makes. */
export class BatchNorm extends layers.layers.Layer {
  static readonly className: string = 'TricksBatchNorm'

  readonly momentum: number
  readonly epsilon: number
  readonly initialGamma: 0 | 1
  private gamma!: layers.LayerVariable
  private beta!: layers.LayerVariable
  private movingMean!: layers.LayerVariable
  private movingVariance!: layers.LayerVariable

  constructor({ momentum = 0.99, epsilon = 1e-5, gamma = 1, ...rest }: LayerOptions) {
    super(rest)
    const name: unknown = rest.name
    if (name !== undefined && !(typeof name === 'string' && /^[a-z0-9][\w.\-/]*$/i.test(name))) {
      throw new Error(
        'batchNorm: expected name to be text of letters, digits, _, -, . and /, the first of them a letter or digit',
      )
    }
    if (!(typeof momentum === 'number' && momentum >= 0 && momentum < 1)) {
      throw new Error(`batchNorm: expected momentum to be in [0, 1), got ${String(momentum)}`)
    }
    if (!(typeof epsilon === 'number' && epsilon > 0 && epsilon < Infinity)) {
      throw new Error(`batchNorm: expected epsilon to be positive, got ${String(epsilon)}`)
    }
    if (gamma !== 0 && gamma !== 1) {
      throw new Error(`batchNorm: expected gamma to be 0 or 1, got ${String(gamma)}`)
    }
    this.momentum = momentum
    this.epsilon = epsilon
    this.initialGamma = gamma
    this.supportsMasking = true
  }

  override build(inputShape: layers.Shape | layers.Shape[]): void {
    const channels = (inputShape as layers.Shape).at(-1)
    if (channels === undefined || channels === null) {
      throw new Error(
        `batchNorm: expected the last axis to have a size, got [${String(inputShape)}]`,
      )
    }
    const { zeros, ones } = layers.initializers
    const weight = (name: string, start: 0 | 1, trainable: boolean) =>
      this.addWeight(name, [channels], 'float32', start ? ones() : zeros(), undefined, trainable)
    this.gamma = weight('gamma', this.initialGamma, true)
    this.beta = weight('beta', 0, true)
    this.movingMean = weight('moving_mean', 0, false)
    this.movingVariance = weight('moving_variance', 1, false)
    super.build(inputShape)
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>): tf.Tensor {
    return tf.tidy(() => {
      const x = Array.isArray(inputs) ? inputs[0]! : inputs
      const gamma = this.gamma.read()
      const beta = this.beta.read()
      // As in Keras, a frozen layer keeps to its moving statistics.
      if (kwargs['training'] !== true || this.isFrozen(kwargs['trainable'])) {
        const scale = tf.mul(gamma, tf.rsqrt(tf.add(this.movingVariance.read(), this.epsilon)))
        const shift = tf.sub(beta, tf.mul(this.movingMean.read(), scale))
        return tf.add(tf.mul(x, scale), shift)
      }
      const count = x.size / gamma.size
      const observe = (mean: tf.Tensor, variance: tf.Tensor) => {
        if (kwargs['statistics'] === 'keep') return
        move(this.movingMean, mean, this.momentum)
        // As torch: unbiased where there is more than one value.
        move(this.movingVariance, tf.mul(variance, count / Math.max(1, count - 1)), this.momentum)
      }
      const make = hasKernel('BatchNormTraining') ? byKernels : byOperations
      const normalize = make(this.epsilon, observe)
      return tf.customGrad(normalize as Parameters<typeof tf.customGrad>[0])(x, gamma, beta)
    })
  }

  /** @param trainable the variables that are trained, if the trainer says it: a model around the layer may be frozen */
  private isFrozen(trainable: unknown): boolean {
    if (!(trainable instanceof Set)) return this.trainableWeights.length === 0
    return !trainable.has(this.gamma.read()) && !trainable.has(this.beta.read())
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { momentum, epsilon, initialGamma: gamma } = this
    return { ...super.getConfig(), momentum, epsilon, gamma }
  }
}

tf.serialization.registerClass(BatchNorm)

function move(variable: layers.LayerVariable, batch: tf.Tensor, momentum: number): void {
  variable.write(tf.add(tf.mul(variable.read(), momentum), tf.mul(batch, 1 - momentum)))
}
