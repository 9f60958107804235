import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'
import { OuterOptimizer, type Part } from '@tricks/optimizer'
import { type MuonOptions, muonOptions } from './options.ts'
import { matrixOf, orthogonalize } from './orthogonalize.ts'

export { type MuonOptions, muonOptions, orthogonalize }

/** The optimizer that `muon` creates. */
export class Muon extends OuterOptimizer<'momentum'> {
  static readonly className: string = 'Muon'

  private readonly options: Required<Omit<MuonOptions, 'inner'>>

  constructor(given: MuonOptions) {
    const { inner, ...options } = muonOptions.parse(given)
    const { learningRate, baseLearningRate: base = learningRate, innerLearningRate } = options
    assertArgument(
      base > 0,
      'muon',
      { learningRate },
      'a number above 0, or 0 with a baseLearningRate',
    )
    super('muon', ['momentum'], inner, {
      rate: learningRate,
      base,
      ...(innerLearningRate !== undefined && { innerRate: innerLearningRate }),
    })
    this.options = { ...options, baseLearningRate: base, innerLearningRate: this.innerRate }
  }

  protected override update(parts: readonly Part<'momentum'>[]): void {
    this.stepInside(parts.filter(({ variable }) => variable.rank < 2))
    const { momentum, nesterov, steps, weightDecay } = this.options
    for (const { variable, gradient, kept, decay } of parts) {
      if (variable.rank < 2) continue
      const { momentum: mean } = kept
      mean.assign(tf.add(tf.mul(mean, momentum), tf.mul(gradient, 1 - momentum)))
      const ahead = nesterov ? tf.add(tf.mul(gradient, 1 - momentum), tf.mul(mean, momentum)) : mean
      const { shape, scale } = matrixOf(variable.name, variable.shape)
      const step = orthogonalize(tf.reshape(ahead, [...shape]), steps)
      const before = tf.mul(variable, 1 - this.learningRate * weightDecay * decay)
      const moved = tf.mul(tf.reshape(step, variable.shape), this.learningRate * scale)
      variable.assign(tf.sub(before, moved))
    }
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...this.options, learningRate: this.learningRate, inner: this.innerConfig }
  }
}

tf.serialization.registerClass(Muon)

/**
 * Muon: each matrix and filter moves by its gradients' running mean, with all singular values brought near 1; `inner`
 * trains tensors of rank 1, biases and norms. For a kernel W, a filter `[height, width, inputs, outputs]` as the matrix
 * `[height · width · inputs, outputs]`:
 *
 * m = momentum · m + (1 − momentum) · g, u = (1 − momentum) · g + momentum · m, without `nesterov` u = m
 * W = (1 − learningRate · weightDecay) W − learningRate · √max(1, outputs / inputs) · orthogonalize(u)
 *
 * The root is for matrices; for filters it is √max(1, height / width), both as in the authors' code.
 *
 * @returns a `tf.Optimizer`, for `model.compile`, `minimize` and `applyGradients`
 * @throws RangeError for an option out of its range
 * @example
 * train({ ...options, optimizer: muon({ learningRate: 0.02, inner: tf.train.adam(0.003) }) })
 * @see Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/, and their code, which uses bfloat16 where this
 * uses float32
 */
export function muon(options: MuonOptions): Muon {
  return new Muon(options)
}
