import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { hasKernel, runKernel } from '@tricks/kernels'
import { byKernels, byOperations } from './normalize.ts'
import { type BatchNormOptions, batchNormOptions } from './options.ts'

type LayerOptions = BatchNormOptions & ConstructorParameters<typeof layers.layers.Layer>[0]

/** The layer that `batchNorm` creates. */
export class BatchNorm extends layers.layers.Layer {
  static readonly className: string = 'TricksBatchNorm'

  readonly momentum: number
  readonly epsilon: number
  readonly initialGamma: 0 | 1
  private gamma!: layers.LayerVariable
  private beta!: layers.LayerVariable
  private movingMean!: layers.LayerVariable
  private movingVariance!: layers.LayerVariable

  constructor({ momentum, epsilon, gamma, ...rest }: LayerOptions) {
    const options = batchNormOptions.parse({ momentum, epsilon, gamma, name: rest.name })
    super(rest)
    this.momentum = options.momentum
    this.epsilon = options.epsilon
    this.initialGamma = options.gamma
    this.supportsMasking = true
  }

  override build(inputShape: layers.Shape | layers.Shape[]): void {
    const channels = (inputShape as layers.Shape).at(-1)
    if (channels === undefined || channels === null) {
      throw new Error(
        `batch-norm: expected the last axis to have a size, got [${String(inputShape)}]`,
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
      // As in Keras, a frozen layer uses its moving statistics.
      if (kwargs['training'] !== true || this.isFrozen(kwargs['trainable'])) {
        const scale = tf.mul(gamma, tf.rsqrt(tf.add(this.movingVariance.read(), this.epsilon)))
        const shift = tf.sub(beta, tf.mul(this.movingMean.read(), scale))
        return tf.add(tf.mul(x, scale), shift)
      }
      const count = x.size / gamma.size
      const observe = (mean: tf.Tensor, variance: tf.Tensor) => {
        if (kwargs['statistics'] === 'keep') return
        // As in torch: unbiased if there is more than one value.
        this.moveStatistics(mean, variance, count / Math.max(1, count - 1))
      }
      const make = hasKernel('BatchNormTraining') ? byKernels : byOperations
      const normalize = make(this.epsilon, observe)
      return tf.customGrad(normalize as Parameters<typeof tf.customGrad>[0])(x, gamma, beta)
    })
  }

  private moveStatistics(mean: tf.Tensor, variance: tf.Tensor, correction: number): void {
    const [movingMean, movingVariance] = [this.movingMean.read(), this.movingVariance.read()]
    const { momentum } = this
    const move = (moving: tf.Tensor, batch: tf.Tensor): tf.Tensor =>
      tf.add(tf.mul(moving, momentum), tf.mul(batch, 1 - momentum))
    const inputs = { movingMean, movingVariance, mean, variance }
    const moved = hasKernel('MoveStatistics')
      ? runKernel('MoveStatistics', inputs, { momentum, correction })
      : ([move(movingMean, mean), move(movingVariance, tf.mul(variance, correction))] as const)
    this.movingMean.write(moved[0])
    this.movingVariance.write(moved[1])
  }

  /** @param trainable the trainable variables, if the trainer passes them: an enclosing model may be frozen */
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
