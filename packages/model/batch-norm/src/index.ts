import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'

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

/**
 * A batch normalisation layer with torch's statistics: y = gamma · (x − mean) / √(variance + epsilon) + beta.
 *
 * In training (`model.fit`, or `model.apply(x, { training: true })`) mean and variance are the batch's, per
 * channel, and the moving ones follow, the variance unbiased. Elsewhere the moving ones are used.
 * `{ training: true, statistics: 'keep' }` normalises by the batch and leaves the moving ones as they are.
 *
 * The channels are the last axis: x is `[batch, channels]` or `[batch, …, channels]`, float32. The weights are
 * `gamma`, `beta`, `moving_mean` and `moving_variance`, each `[channels]`.
 *
 * @param options.momentum in [0, 1), default 0.99: what stays of a moving statistic at a step
 * @param options.epsilon positive, default 1e-5
 * @param options.gamma 0 or 1, default 1: what gamma starts from
 * @param options.name the layer's name
 * @throws if an option is out of its range
 * @example
 * const model = layers.sequential()
 * model.add(layers.layers.conv2d({ filters: 32, kernelSize: 3, useBias: false, inputShape: [32, 32, 3] }))
 * model.add(batchNorm({ momentum: 0.9 }))
 * @see Ioffe and Szegedy, Batch Normalization, 2015, https://arxiv.org/abs/1502.03167
 */
export function batchNorm(options: BatchNormOptions = {}): BatchNorm {
  return new BatchNorm({ ...options })
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
    if (!(momentum >= 0 && momentum < 1)) {
      throw new Error(`batchNorm: expected momentum to be in [0, 1), got ${momentum}`)
    }
    if (!(epsilon > 0 && epsilon < Infinity)) {
      throw new Error(`batchNorm: expected epsilon to be positive, got ${epsilon}`)
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
      if (kwargs['training'] !== true) {
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
      const hasKernels = tf.getKernel('BatchNormTraining', tf.getBackend()) !== undefined
      const normalize = (hasKernels ? byKernels : byOperations)(this.epsilon, observe)
      return tf.customGrad(normalize as Parameters<typeof tf.customGrad>[0])(x, gamma, beta)
    })
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

type Observe = (mean: tf.Tensor, variance: tf.Tensor) => void
type Normalize = (
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  save: tf.GradSaveFunc,
) => { value: tf.Tensor; gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[] }

/**
 * A backend may bring both passes as kernels: `BatchNormTraining` (x, gamma, beta → y, mean, variance) and
 * `BatchNormTrainingGrad` (x, dy, gamma, mean, variance → dx, dgamma, dbeta), each with the attribute `epsilon`.
 */
function byKernels(epsilon: number, observe: Observe): Normalize {
  const run = (kernel: string, inputs: tf.NamedTensorMap): tf.Tensor[] =>
    tf.engine().runKernel<tf.Tensor[]>(kernel, inputs, { epsilon })
  return (x, gamma, beta, save) => {
    const [value, mean, variance] = run('BatchNormTraining', { x, gamma, beta })
    observe(mean!, variance!)
    save([x, gamma, mean!, variance!])
    return {
      value: value!,
      gradFunc: (dy, saved) => {
        const names = ['x', 'gamma', 'mean', 'variance']
        const inputs = Object.fromEntries(names.map((name, i) => [name, saved[i]!]))
        return run('BatchNormTrainingGrad', { ...inputs, dy })
      },
    }
  }
}

function byOperations(epsilon: number, observe: Observe): Normalize {
  return (x, gamma, beta, save) => {
    const axes = x.shape.map((_, axis) => axis).slice(0, -1)
    const count = x.size / gamma.size
    const mean = tf.mean(x, axes)
    const centred = tf.sub(x, mean)
    const variance = tf.mean(tf.square(centred), axes)
    observe(mean, variance)
    const inverse = tf.rsqrt(tf.add(variance, epsilon))
    const factor = tf.mul(inverse, gamma)
    save([centred, inverse, factor])
    return {
      value: tf.add(tf.mul(centred, factor), beta),
      // dx = gamma / √(variance + epsilon) · (dy − mean(dy) − normalized · mean(dy · normalized))
      gradFunc: (dy, saved) => {
        const normalized = tf.mul(saved[0]!, saved[1]!)
        const dBeta = tf.sum(dy, axes)
        const dGamma = tf.sum(tf.mul(dy, normalized), axes)
        const shared = tf.add(tf.div(dBeta, count), tf.mul(normalized, tf.div(dGamma, count)))
        return [tf.mul(tf.sub(dy, shared), saved[2]!), dGamma, dBeta]
      },
    }
  }
}
