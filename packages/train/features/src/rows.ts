import * as tf from '@tensorflow/tfjs-core'
import { accuracy, type Metrics, oneHot, softmaxCrossEntropy } from '@tricks/core'
import type { FeatureBlock, Features } from './extract.ts'

interface RowOptions {
  readonly classes: number
  /** Label smoothing of the targets. */
  readonly smoothing?: number
  readonly classWeights?: readonly number[]
  /** Statistics to centre and scale by; default those of these features. */
  readonly like?: Statistics
  /**
   * Bytes of features that stay on the device, default 128 MiB: with a transposed copy if both fit, which makes the
   * gradient faster. Larger sets are read again for each step.
   */
  readonly room?: number
}

interface Statistics {
  /** Mean of each feature. */
  readonly mean: Float64Array
  /** Scales the centred features to a mean squared norm of 1. */
  readonly scale: number
}

interface Block {
  /** `[rows, width]`, centred and scaled. */
  readonly x: tf.Tensor2D
  /** `[width, rows]`, if there is room. */
  readonly transposed?: tf.Tensor2D
  /** One-hot and smoothed, `[rows, classes]`. */
  readonly targets: tf.Tensor2D
  /** One-hot, `[rows, classes]`. */
  readonly labels: tf.Tensor2D
  /** Weight of each row, `[rows, 1]`, with a mean of 1 over all blocks. */
  readonly weights: tf.Tensor2D
}

/** Rows of features, and a linear layer's loss on them, block by block. */
export class Rows implements Statistics {
  private readonly features: Features
  private readonly classes: number
  private readonly smoothing: number
  private readonly classWeights: readonly number[]
  private readonly count: number
  readonly mean: Float64Array
  readonly scale: number
  private readonly transposes: boolean
  private readonly resident: Block[] | undefined

  constructor(
    features: Features,
    { classes, smoothing = 0, classWeights, like, room = 2 ** 27 }: RowOptions,
  ) {
    this.features = features
    this.classes = classes
    this.smoothing = smoothing
    const labels = features.blocks.flatMap((block) => [...block.labels])
    this.count = labels.length
    const given = classWeights ?? Array.from({ length: classes }, () => 1)
    const sum = labels.reduce((total, label) => total + given[label]!, 0)
    this.classWeights = given.map((each) => (each * labels.length) / sum)
    const statistics = like ?? statisticsOf(features)
    this.mean = statistics.mean
    this.scale = statistics.scale
    const bytes = this.count * features.width * 4
    this.transposes = 2 * bytes <= room
    if (bytes <= room) this.resident = features.blocks.map((block) => this.load(block))
  }

  /** The tensors on the device, for the caller to dispose. */
  tensors(): tf.TensorContainer {
    return (this.resident ?? []) as unknown as tf.TensorContainer
  }

  /** Value and gradient of the mean loss plus decay / 2 · Σw², for the kernel followed by the bias. */
  async penalised(
    at: Float64Array,
    decay: number,
  ): Promise<{ value: number; gradient: Float64Array }> {
    const size = this.features.width * this.classes
    const sums = await this.sum(at, ({ x, transposed, targets, weights }, kernel, bias) => {
      const logits = tf.add<tf.Tensor2D>(tf.matMul(x, kernel), bias)
      const logarithms = tf.logSoftmax(logits)
      const loss = tf.neg(tf.sum(tf.mul(tf.mul(targets, logarithms), weights)))
      const slope = tf.mul<tf.Tensor2D>(tf.sub(tf.exp(logarithms), targets), weights)
      const gradient = transposed ? tf.matMul(transposed, slope) : tf.matMul(x, slope, true)
      return [loss, gradient, tf.sum(slope, 0)]
    })
    const gradient = new Float64Array(at.length)
    let value = sums[0]! / this.count
    for (let i = 0; i < at.length; i++) {
      gradient[i] = sums[i + 1]! / this.count
      if (i >= size) continue
      gradient[i]! += decay * at[i]!
      value += (decay / 2) * at[i]! ** 2
    }
    return { value, gradient }
  }

  async metrics(at: Float64Array): Promise<Metrics> {
    const [loss, right] = await this.sum(at, ({ x, targets, labels }, kernel, bias) => {
      const logits = tf.add<tf.Tensor2D>(tf.matMul(x, kernel), bias)
      const rows = x.shape[0]
      return [
        tf.mul(softmaxCrossEntropy(targets, logits), rows),
        tf.mul(accuracy(labels, logits), rows),
      ]
    })
    return { loss: loss! / this.count, accuracy: right! / this.count }
  }

  /** The layer for the original features: centring and scaling are folded into kernel and bias. */
  layer(at: Float64Array): { kernel: Float32Array; bias: Float32Array } {
    const { classes, mean, scale } = this
    const kernel = Float32Array.from(at.subarray(0, mean.length * classes), (each) => each * scale)
    const bias = at.slice(mean.length * classes)
    for (let i = 0; i < mean.length; i++)
      for (let c = 0; c < classes; c++) bias[c]! -= mean[i]! * scale * at[i * classes + c]!
    return { kernel, bias: Float32Array.from(bias) }
  }

  /** Computes something for each block in turn, and adds the results up. */
  private async sum(
    at: Float64Array,
    compute: (block: Block, kernel: tf.Tensor2D, bias: tf.Tensor1D) => tf.Tensor[],
  ): Promise<tf.TypedArray> {
    const { width } = this.features
    const kernel = tf.tensor2d(Float32Array.from(at.subarray(0, width * this.classes)), [
      width,
      this.classes,
    ])
    const bias = tf.tensor1d(Float32Array.from(at.subarray(width * this.classes)))
    let sums: tf.Tensor1D | undefined
    for (const [i, block] of this.features.blocks.entries()) {
      const loaded = this.resident?.[i] ?? this.load(block)
      const before = sums
      sums = tf.tidy(() => {
        const parts = compute(loaded, kernel, bias).map((part) => tf.reshape(part, [-1]))
        const own = tf.concat1d(parts as tf.Tensor1D[])
        return before ? tf.add(before, own) : own
      })
      before?.dispose()
      if (!this.resident) tf.dispose(loaded as unknown as tf.TensorContainer)
    }
    const values = await sums!.data()
    tf.dispose([kernel, bias, sums!])
    return values
  }

  private load({ labels, read }: FeatureBlock): Block {
    const { mean, scale, classWeights, classes, smoothing } = this
    const width = mean.length
    const values = read().map((each, i) => (each - mean[i % width]!) * scale)
    return tf.tidy(() => {
      const x = tf.tensor2d(values, [labels.length, width])
      const hard = oneHot(labels, classes)
      const weights = Float32Array.from(labels, (label) => classWeights[label]!)
      return {
        x,
        ...(this.transposes && { transposed: tf.transpose(x) }),
        targets: tf.add<tf.Tensor2D>(tf.mul(hard, 1 - smoothing), smoothing / classes),
        labels: hard,
        weights: tf.tensor2d(weights, [labels.length, 1]),
      }
    })
  }
}

function statisticsOf({ width, blocks }: Features): Statistics {
  const mean = new Float64Array(width)
  let [squares, rows] = [0, 0]
  for (const block of blocks) {
    block.read().forEach((each, i) => {
      mean[i % width]! += each
      squares += each ** 2
    })
    rows += block.labels.length
  }
  mean.forEach((sum, i) => (mean[i] = sum / rows))
  const variance = squares / rows - mean.reduce((sum, each) => sum + each ** 2, 0)
  return { mean, scale: variance > 0 ? 1 / Math.sqrt(variance) : 1 }
}
