import type * as tf from '@tensorflow/tfjs-core'
import { assertArgument, stepsOf, type Time, type Trick } from '@tricks/core'
import { resizeWindows, withDraws } from '@tricks/core/augmentation'
import { defineOptions, duration, integer, number, type OptionsOf } from '@tricks/core/options'

export const progressiveResizingOptions = defineOptions('progressive-resizing', {
  /** Height and width at the start, as a fraction of the full size. */
  initial: number({ above: 0, max: 1, default: 0.5 }),
  /** When the images start to grow, linearly. */
  from: duration({ default: { fraction: 0.5 } }),
  /** When they reach their full size. */
  until: duration({ default: { fraction: 0.8 } }),
  /** Before that, height and width are rounded to multiples of this number of pixels. */
  multiple: integer({ min: 1, max: 1024, default: 4 }),
})
export type ProgressiveResizingOptions = OptionsOf<typeof progressiveResizingOptions>

export interface ImageSize {
  /** In pixels. */
  readonly height: number
  readonly width: number
}

/**
 * Resizes images with antialiased bilinear interpolation.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns images of the given size
 * @throws RangeError unless height and width are integers in [1, 4096]
 * @example
 * applyProgressiveResizing(images, { height: 16, width: 16 })
 * @see `torch.nn.functional.interpolate`, with `mode='bilinear'` and `antialias=True`
 */
export function applyProgressiveResizing(
  images: tf.Tensor4D,
  { height, width }: ImageSize,
): tf.Tensor4D {
  for (const [name, side] of Object.entries({ height, width })) {
    const valid = Number.isInteger(side) && side >= 1 && side <= 4096
    assertArgument(valid, 'progressive-resizing', { [name]: side }, 'an integer in [1, 4096]')
  }
  const [batch, rows, columns] = images.shape
  const whole = [0, 0, rows, columns] as const
  return resizeWindows(images, Array<typeof whole>(batch).fill(whole), [height, width])
}

/**
 * Trains on smaller images first: until `from` they have `initial` times their height and width, then they grow linearly,
 * and from `until` on they have their full size, as always in evaluation. Smaller images take less time.
 *
 * @throws RangeError for an option out of its range
 * @example
 * train({ ...options, tricks: [randomFlip(), progressiveResizing({ initial: 0.5 })] })
 * @see Composer's Progressive Resizing; Tan and Le 2021, https://arxiv.org/abs/2104.00298
 */
export function progressiveResizing({ key, ...given }: ProgressiveResizingOptions = {}): Trick {
  const options = progressiveResizingOptions.parse(given)
  const { initial, multiple } = options
  const scaleAt = (time: Time): number => {
    const [from, until] = [stepsOf(options.from, time), stepsOf(options.until, time)]
    if (time.step >= until) return 1
    return initial + ((1 - initial) * Math.max(0, time.step - from)) / Math.max(1, until - from)
  }
  return {
    name: 'progressive-resizing',
    key,
    options,
    images: {
      draw(_, { height, width }, time): ImageSize | undefined {
        const scale = scaleAt(time)
        const sideOf = (side: number): number =>
          Math.min(side, Math.max(1, Math.round((side * scale) / multiple)) * multiple)
        const size = { height: sideOf(height), width: sideOf(width) }
        const own = scale === 1 || (size.height === height && size.width === width)
        return own ? undefined : size
      },
      apply: applyProgressiveResizing,
      outputSize: (size?: ImageSize) => size,
      describe: ({ height, width }: ImageSize) => `${height}×${width}`,
    },
  }
}

/**
 * `progressiveResizing` as a function of images, for a loop without a pipeline.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @returns images of the step's size
 * @example
 * const growing = { from: { steps: 0 }, until: { steps: 5000 } }
 * const smaller = progressiveResizingBatch(images, { ...growing, seed: 1, step })
 */
export const progressiveResizingBatch = withDraws(progressiveResizing)
