import type * as tf from '@tensorflow/tfjs-core'

/** AutoAugment's 16 operations, in the paper's order, with torchvision's names. */
export const operations = [
  'ShearX',
  'ShearY',
  'TranslateX',
  'TranslateY',
  'Rotate',
  'AutoContrast',
  'Invert',
  'Equalize',
  'Solarize',
  'Posterize',
  'Contrast',
  'Color',
  'Brightness',
  'Sharpness',
  'Cutout',
  'SamplePairing',
] as const
/** The name of an operation. */
export type Operation = (typeof operations)[number]

/** An operation for one image. */
export interface Step {
  readonly op: Operation
  /** In the operation's unit; ignored by AutoContrast, Invert and Equalize. */
  readonly magnitude: number
  /** Cutout's [row, column]; default the centre of the image. */
  readonly center?: readonly [number, number]
  /** The batch index of SamplePairing's other image. */
  readonly partner?: number
}

/** How to interpolate: 'nearest' takes the nearest pixel, 'bilinear' blends the four around and rounds to the grid. */
export type Interpolation = 'nearest' | 'bilinear'

/** Images on the grid 0, 1, …, 255: float32 `[batch, height, width, channels]`. */
export type Levels = tf.Tensor4D

/** Inputs of operations other than the images. */
export interface OperationContext {
  /** The level outside the image, per channel. */
  readonly fill: readonly number[]
  /** Interpolation of shears and rotations. */
  readonly interpolation: Interpolation
  /** The batch before any operation, in [0, 1]. */
  readonly originals: tf.Tensor4D
}

/** Applies steps of one family, one per image, to all images at once. */
export type Family = (levels: Levels, steps: readonly Step[], around: OperationContext) => Levels
