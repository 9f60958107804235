import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import { gatherPixels, inOnePass, instructions, signed, withDraws } from '@tricks/core/augmentation'
import { choice, defineOptions, number, type OptionsOf } from '@tricks/core/options'
import { cornersOf } from './corners.ts'

export const randomRotationOptions = defineOptions('random-rotation', {
  /** The largest angle in either direction. */
  degrees: number({ above: 0, max: 180, default: 15 }),
  /**
   * `'nearest'` takes the nearest pixel, torchvision's default; `'bilinear'` blends the four around, which is smoother
   * and slower.
   */
  interpolation: choice(['nearest', 'bilinear'], { default: 'nearest' }),
  /** The content of the corners, which bilinear blends in: the data's mean, or a value. */
  fill: choice(['mean', number({ min: 0, max: 1 })], { default: 0 }),
})
export type RandomRotationOptions = OptionsOf<typeof randomRotationOptions>

export interface RotationParams {
  /** Counter-clockwise, one per image. */
  readonly degrees: ArrayLike<number>
  readonly interpolation: 'nearest' | 'bilinear'
  /** A value in [0, 1], or one per channel; default 0. */
  readonly fill?: number | readonly number[]
}

/**
 * Rotates each image about its centre: out(p) = image(R⁻¹ p), with `fill` outside the image.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns images of the same shape; with 'nearest', pixels are copied exactly
 * @throws RangeError unless there is one angle per image, and one fill in all or per channel
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
  assertArgument(angles, 'random-rotation', given, `${batch} angles, one per image`)
  const fills = typeof fill === 'number' ? Array<number>(channels).fill(fill) : fill
  const range = `one value, or ${channels}, one per channel`
  const filled = fills.length === channels && fills.every(Number.isFinite)
  assertArgument(filled, 'random-rotation', { fill }, range)
  randomRotationOptions.parse({ interpolation })

  const composed = (x: tf.Tensor4D): tf.Tensor4D => {
    const corners = cornersOf(degrees, height, width, interpolation)
    return tf.tidy(() =>
      tf.addN(
        corners.map(({ source, weight }) => {
          const corner = gatherPixels(x, source, fills)
          return weight ? tf.mul(corner, tf.tensor4d(weight, [batch, height, width, 1])) : corner
        }),
      ),
    )
  }
  const smooth = interpolation === 'bilinear'
  const [middleRow, middleColumn] = [(height - 1) / 2, (width - 1) / 2]
  return inOnePass(
    images,
    (image, program) => {
      const angle = (degrees[image]! * Math.PI) / 180
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
      // Adding a half rounds to the nearest.
      program.push(instructions.warp, image, smooth ? 1 : 0, smooth ? 0 : 0.5)
      program.push(cos, sin, middleRow, -middleRow, -sin, cos, middleColumn, -middleColumn)
      program.push(...fills)
    },
    composed,
  )
}

/**
 * Rotates each image by a random angle.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([randomRotation({ degrees: 15 })])
 * @see Simard et al. 2003, "Best practices for convolutional neural networks"
 */
export function randomRotation({ key, ...given }: RandomRotationOptions = {}): Trick {
  const options = randomRotationOptions.parse(given)
  const { degrees, interpolation, fill } = options
  return {
    name: 'random-rotation',
    key,
    options,
    images: {
      draw: (random, { batch, mean }): RotationParams => ({
        degrees: random.images(batch, (image) => image.uniform(-degrees, degrees)),
        interpolation,
        fill: fill === 'mean' ? mean : fill,
      }),
      apply: applyRandomRotation,
      describe: (params: RotationParams, image) => `turn ${signed(params.degrees[image]!)}°`,
    },
  }
}

/**
 * Rotates images by random angles, for a loop without a pipeline: `randomRotation` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns images of the same shape
 * @example
 * const turned = randomRotationBatch(images, { degrees: 15, seed: 1, step })
 */
export const randomRotationBatch = withDraws(randomRotation)
