import type * as tf from '@tensorflow/tfjs-core'

type Tensors<Name extends string> = Readonly<Record<Name, tf.Tensor>>
interface Epsilon {
  /** Added to the variance before its square root, above 0. */
  readonly epsilon: number
}

/**
 * What packages ask backends for beyond tfjs's own kernels, by name. All tensors are float32. A backend registers those
 * that it has; who asks composes the same of tfjs's operations where it has none.
 */
export interface Kernels {
  /**
   * Batch normalisation by the batch's own statistics, of x `[…, channels]`, gamma and beta `[channels]`: y as x, mean and
   * biased variance `[channels]`.
   */
  readonly BatchNormTraining: {
    readonly inputs: Tensors<'x' | 'gamma' | 'beta'>
    readonly attributes: Epsilon
    readonly outputs: readonly [y: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor]
  }

  /** Its gradient, of x and dy `[…, channels]`, gamma and the statistics `[channels]`: dx as x, dGamma and dBeta `[channels]`. */
  readonly BatchNormTrainingGrad: {
    readonly inputs: Tensors<'x' | 'dy' | 'gamma' | 'mean' | 'variance'>
    readonly attributes: Epsilon
    readonly outputs: readonly [dx: tf.Tensor, dGamma: tf.Tensor, dBeta: tf.Tensor]
  }

  /** The gradient of `tf.batchNorm`, whose statistics are given and not the batch's: as `BatchNormTrainingGrad`. */
  readonly FusedBatchNormGrad: Kernels['BatchNormTrainingGrad']

  /** The gradient of a rectifier, of x and dy of one shape: dy where x > 0, else 0. */
  readonly ReluGrad: {
    readonly inputs: Tensors<'x' | 'dy'>
    /** `high`: also 0 where x is above it, as of `tf.relu6`; WebGPU alone. */
    readonly attributes: { readonly high?: number }
    readonly outputs: tf.Tensor
  }

  /** x Φ(x), elementwise. */
  readonly Gelu: {
    readonly inputs: Tensors<'x'>
    readonly attributes: object
    readonly outputs: tf.Tensor
  }

  /** Its gradient, of x and dy of one shape. */
  readonly GeluGrad: {
    readonly inputs: Tensors<'x' | 'dy'>
    readonly attributes: object
    readonly outputs: tf.Tensor
  }

  /**
   * AdaBound's step of a variable, without AMSBound; gradient, m and v have its shape, and so have the outputs. `numbers`
   * `[10]`: the rate, its lower and upper bound, β₁, 1 − β₁, β₂, 1 − β₂, ε, the decay that is added to the gradient (times
   * the variable) and the share of the variable that a decoupled decay leaves.
   */
  readonly AdaBoundUpdate: {
    readonly inputs: Tensors<'variable' | 'gradient' | 'm' | 'v' | 'numbers'>
    readonly attributes: object
    readonly outputs: readonly [variable: tf.Tensor, m: tf.Tensor, v: tf.Tensor]
  }
}

export type KernelName = keyof Kernels

/** What a backend computes convolutions and matrix products in. */
export type Precision = 'float32' | 'bfloat16'

/**
 * The flag of a backend that can compute in both: `tf.env().set(precisionFlag, 'bfloat16')`, and back with 'float32'.
 * Unregistered where no such backend is loaded; setting it throws where the processor can't.
 */
export const precisionFlag = 'COMPUTE_PRECISION'
