import type * as tf from '@tensorflow/tfjs-core'

type Tensors<Name extends string> = Readonly<Record<Name, tf.Tensor>>
interface Epsilon {
  /** Added to the variance before the square root, above 0. */
  readonly epsilon: number
}

/**
 * Kernels beyond tfjs's own that packages request from backends, by name. All tensors are float32. A backend registers
 * those that it supports; callers compose the same from tfjs operations otherwise.
 */
export interface Kernels {
  /**
   * Batch normalisation with batch statistics, of x `[…, channels]`, gamma and beta `[channels]`: y like x, mean and
   * biased variance `[channels]`.
   */
  readonly BatchNormTraining: {
    readonly inputs: Tensors<'x' | 'gamma' | 'beta'>
    readonly attributes: Epsilon
    readonly outputs: readonly [y: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor]
  }

  /**
   * Its gradient, of x and dy `[…, channels]`, gamma and the statistics `[channels]`: dx like x, dGamma and dBeta
   * `[channels]`.
   */
  readonly BatchNormTrainingGrad: {
    readonly inputs: Tensors<'x' | 'dy' | 'gamma' | 'mean' | 'variance'>
    readonly attributes: Epsilon
    readonly outputs: readonly [dx: tf.Tensor, dGamma: tf.Tensor, dBeta: tf.Tensor]
  }

  /** The gradient of `tf.batchNorm` with given statistics, as `BatchNormTrainingGrad`. */
  readonly FusedBatchNormGrad: Kernels['BatchNormTrainingGrad']

  /** The gradient of relu, of x and dy of equal shape: dy if x > 0, otherwise 0. */
  readonly ReluGrad: {
    readonly inputs: Tensors<'x' | 'dy'>
    readonly attributes: object
    readonly outputs: tf.Tensor
  }

  /** The gradient of relu6, of x, or its output, and dy of equal shape: dy if 0 < x < 6, otherwise 0. */
  readonly Relu6Grad: Kernels['ReluGrad']

  /** x Φ(x), elementwise. */
  readonly Gelu: {
    readonly inputs: Tensors<'x'>
    readonly attributes: object
    readonly outputs: tf.Tensor
  }

  /** Its gradient, of x and dy of equal shape. */
  readonly GeluGrad: {
    readonly inputs: Tensors<'x' | 'dy'>
    readonly attributes: object
    readonly outputs: tf.Tensor
  }

  /**
   * AdaBound's step for a variable, without AMSBound; gradient, m, v and the outputs have its shape. `numbers` `[10]`:
   * the rate, its lower and upper bound, β₁, 1 − β₁, β₂, 1 − β₂, ε, the decay added to the gradient (times the
   * variable), and the fraction of the variable that remains after decoupled decay.
   */
  readonly AdaBoundUpdate: {
    readonly inputs: Tensors<'variable' | 'gradient' | 'm' | 'v' | 'numbers'>
    readonly attributes: object
    readonly outputs: readonly [variable: tf.Tensor, m: tf.Tensor, v: tf.Tensor]
  }
}

export type KernelName = keyof Kernels

/** The precision of a backend's convolutions and matrix products. */
export type Precision = 'float32' | 'bfloat16'

/**
 * The flag of a backend that supports both precisions: `tf.env().set(precisionFlag, 'bfloat16')`, and back with
 * 'float32'. Unregistered if no such backend is loaded; setting it throws if the processor doesn't support it.
 */
export const precisionFlag = 'COMPUTE_PRECISION'
