import * as tf from '@tensorflow/tfjs-core'
import { assertOption, gatherPixels, type Trick } from '@tricks/core'
import { cornersOf } from './corners.ts'

export interface RandomRotationOptions {
  /** The largest angle to either side, in (0, 180]; default 15. */
  readonly degrees?: number
  /** Take the nearest pixel, as torchvision does by default, or blend the four about. */
  readonly interpolation?: Interpolation
  /** What the corners show: a value in [0, 1], default 0, or the data's mean. */
  readonly fill?: 'mean' | number
  /** Tells two of the same trick apart. */
  readonly key?: string
}
type Interpolation = 'nearest' | 'bilinear'

export interface RotationParams {
  /** Counter-clockwise, one an image. */
  readonly degrees: ArrayLike<number>
  readonly interpolation: Interpolation
  /** A value in [0, 1], or one a channel; default 0. */
  readonly fill?: number | readonly number[]
}

/**
 * Turns each image about its centre: out(p) = image(R⁻¹ p), where what lies outside is `fill`.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns as `images`; with 'nearest', pixels are copied exactly
 * @throws RangeError where there is not one angle an image, or not one fill a channel
 * @example
 * applyRandomRotation(images, { degrees: [90, -12.5], interpolation: 'bilinear' }) // for two images
 * @see Simard et al. 2003, "Best practices for convolutional neural networks"
 */
export function applyRandomRotation(
  images: tf.Tensor4D,
  { degrees, interpolation, fill = 0 }: RotationParams,
): tf.Tensor4D {
  const [batch, height, width, channels] = images.shape
  const given = { degrees: Array.from(degrees) }
  const angles = degrees.length === batch && given.degrees.every(Number.isFinite)
  assertOption(angles, 'random-rotation', given, `${batch} angles, one an image`)
  const fills = typeof fill === 'number' ? Array.from({ length: channels }, () => fill) : [...fill]
  const each = fills.length === channels
  assertOption(each, 'random-rotation', { fill }, `one value, or ${channels}, one a channel`)

  const corners = cornersOf(degrees, height, width, interpolation)
  return tf.tidy(() =>
    tf.addN(
      corners.map(({ source, weight }) => {
        const corner = gatherPixels(images, source, fills)
        return weight ? tf.mul(corner, tf.tensor4d(weight, [batch, height, width, 1])) : corner
      }),
    ),
  )
}

/**
 * Turns each image by a random angle.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([randomRotation({ degrees: 15 })])
 * @see Simard et al. 2003, "Best practices for convolutional neural networks"
 */
export function randomRotation({
  degrees = 15,
  interpolation = 'nearest',
  fill = 0,
  key,
}: RandomRotationOptions = {}): Trick {
  assertOption(
    degrees > 0 && degrees <= 180,
    'random-rotation',
    { degrees },
    'a number in (0, 180]',
  )
  const ways = ['nearest', 'bilinear']
  assertOption(
    ways.includes(interpolation),
    'random-rotation',
    { interpolation },
    `one of ${ways.join(', ')}`,
  )
  const value = fill === 'mean' || (typeof fill === 'number' && fill >= 0 && fill <= 1)
  assertOption(value, 'random-rotation', { fill }, "'mean' or a number in [0, 1]")
  return {
    name: 'random-rotation',
    key,
    options: { degrees, interpolation, fill },
    images: {
      draw: (random, { batch, mean }): RotationParams => ({
        degrees: random.images(batch, (image) => image.uniform(-degrees, degrees)),
        interpolation,
        fill: fill === 'mean' ? mean : fill,
      }),
      apply: (images, params) => applyRandomRotation(images, params as RotationParams),
    },
  }
}
