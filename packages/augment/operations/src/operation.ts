import type * as tf from '@tensorflow/tfjs-core'

/** AutoAugment's 16 operations, in its paper's order, by torchvision's names. */
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

/** An operation on one image. */
export interface Step {
  readonly op: Operation
  /** In the operation's own unit; without meaning for AutoContrast, Invert and Equalize. */
  readonly magnitude: number
  /** Cutout's [row, column]; default the middle of the image. */
  readonly center?: readonly [number, number]
  /** The index of SamplePairing's other image in the batch. */
  readonly partner?: number
}

/** Images on the grid 0, 1, …, 255: float32 `[batch, height, width, channels]`. */
export type Levels = tf.Tensor4D

/** What operations need besides their image. */
export interface OperationContext {
  /** The level that shows outside the image, per channel. */
  readonly fill: readonly number[]
  /** The batch before any operation, in [0, 1]. */
  readonly originals: tf.Tensor4D
}

/** Carries out steps of one family, one per image, on all images at once. */
export type Family = (levels: Levels, steps: readonly Step[], around: OperationContext) => Levels
