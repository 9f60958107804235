import type * as tf from '@tensorflow/tfjs-core'

type Tensors<Name extends string> = Readonly<Record<Name, tf.Tensor>>
interface Epsilon {
  /** Added to the variance before the square root, above 0. */
  readonly epsilon: number
}

/**
 * Kernels beyond tfjs's own that packages request from backends, by name. Tensors are float32 unless noted. A backend registers
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
   * Augments each image `[height, width, channels]` of a batch by its own program, into images of the given size. Only code
   * 17 reads images of another size than the output's. `program`, int32, holds float64
   * numbers in pairs: `batch + 1` offsets of the images' programs, in numbers, then the programs. An instruction is a
   * code and its numbers; it changes the output image. Boxes are `row, column, rows, columns`, inside the image; `c`
   * stands for one number per channel.
   *
   * | code | numbers                                  | effect                                                        |
   * | ---- | ---------------------------------------- | ------------------------------------------------------------- |
   * | 0    | box, image, row, column, down, right     | copies a box of an input image; the steps may be −1, 0 or 1   |
   * | 1    | box, c                                   | fills a box with a colour                                     |
   * | 2    | box, position (6)                        | fills a box with `uniformsAt(position)` of @tricks/core       |
   * | 3    | image, image, weight                     | weight · first + (1 − weight) · second                        |
   * | 4    | image, kind, rounding, line, line, c     | warps an input image, or for −1 the output so far: below      |
   * | 5    | factor                                   | brightness: clips factor · x                                  |
   * | 6    | factor                                   | contrast: clips factor · x + (1 − factor) · mean luma         |
   * | 7    | factor                                   | saturation: clips factor · x + (1 − factor) · luma            |
   * | 8    | turns                                    | turns hues by a fraction of the circle                        |
   * | 9    | c                                        | clips x + c                                                   |
   * | 10   | image                                    | an input image in levels, 255 · x rounded                     |
   * | 11   |                                          | levels to [0, 1]                                              |
   * | 12   | width, start                             | multiples of width, inverted from start on                    |
   * | 13   |                                          | stretches each channel's levels to 0 … 255                    |
   * | 14   |                                          | equalizes each channel's histogram                            |
   * | 15   | base, amount                             | from black, mean, grey or smoothed (0 to 3) to x, rounded down |
   * | 16   | image, amount                            | from x to an input image in levels, rounded down              |
   * | 17   | box, image                               | resizes a box of an input image to the output's size          |
   *
   * Resizing is `resizeWindows` of @tricks/core. Warp: a line is a, b, start, origin; the source row of pixel [i, j] is b · s + a · r + start + rounding, with r = i
   * + the first line's origin and s = j + the second's; likewise the column. Kind 0 takes the pixel at its floor, and
   * outside the image the colour c; kind 1 blends the four around, with c outside; kind 2 repeats the border, and
   * rounds to levels. Codes 5 to 9 take images in [0, 1], 12 to 16 levels; 7 and 8 need 3 channels, luma 1 or 3.
   */
  readonly AugmentImages: {
    readonly inputs: Tensors<'images' | 'program'>
    readonly attributes: { readonly size: readonly [height: number, width: number] }
    readonly outputs: tf.Tensor
  }

  /**
   * Moves moving statistics towards a batch's, all `[channels]`: momentum · moving + (1 − momentum) · batch, with the batch's
   * variance multiplied by `correction`.
   */
  readonly MoveStatistics: {
    readonly inputs: Tensors<'movingMean' | 'movingVariance' | 'mean' | 'variance'>
    readonly attributes: { readonly momentum: number; readonly correction: number }
    readonly outputs: readonly [movingMean: tf.Tensor, movingVariance: tf.Tensor]
  }

  /** The sum of each of n ≥ 1 tensors, of any shapes: `[n]`. */
  readonly Sums: {
    readonly inputs: readonly tf.Tensor[]
    readonly attributes: object
    readonly outputs: tf.Tensor1D
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
