import * as tf from '@tensorflow/tfjs-core'
import { assertOption } from '@tricks/core'
import { toLevels } from './levels.ts'
import { operate, type Operation, operations, type Step } from './operation.ts'

export interface AutoAugmentParams {
  /** One list an image: what happens to it, one step after the other; null is nothing. */
  readonly steps: readonly (readonly (Step | null)[])[]
  /** What shows where nothing is: a value in [0, 1], or one a channel; default 0. */
  readonly fill?: number | readonly number[]
}

/**
 * Does steps on images, each its own, on the grid k / 255, to which the images that have any are rounded.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1], 3 channels or 1
 * @returns as `images`
 * @throws RangeError where there is not one list of steps an image, or not one fill a channel
 * @example
 * applyAutoAugment(images, { steps: [[{ op: 'Rotate', magnitude: 30 }], []], fill: 0.5 }) // for two images
 * @see Cubuk et al. 2019, https://arxiv.org/abs/1805.09501
 */
export function applyAutoAugment(
  images: tf.Tensor4D,
  { steps, fill = 0 }: AutoAugmentParams,
): tf.Tensor4D {
  const [batch, , , channels] = images.shape
  assertOption(steps.length === batch, 'autoaugment', { steps }, `${batch} lists, one an image`)
  const fills = typeof fill === 'number' ? Array.from({ length: channels }, () => fill) : [...fill]
  const each = fills.length === channels
  assertOption(each, 'autoaugment', { fill }, `one value, or ${channels}, one a channel`)

  const changed = [...steps.keys()].filter((image) => steps[image]!.some((step) => step !== null))
  if (changed.length === 0) return tf.clone(images)
  const around = { originals: images, fill: fills.map((value) => Math.round(value * 255)) }
  const passes = Math.max(...steps.map(({ length }) => length))
  return tf.tidy(() => {
    let levels = toLevels(tf.gather(images, tf.tensor1d(changed, 'int32')))
    let shown = changed
    for (let pass = 0; pass < passes; pass++) {
      const own = shown.map((image) => steps[image]![pass] ?? null)
      const done = operate(levels, own, around)
      levels = done.levels
      shown = done.order.map((place) => shown[place]!)
    }
    const still = [...steps.keys()].filter((image) => !changed.includes(image))
    const unchanged = tf.gather(images, tf.tensor1d(still, 'int32'))
    const rows = new Int32Array(batch)
    for (const [row, image] of [...still, ...shown].entries()) rows[image] = row
    return tf.gather(tf.concat([unchanged, tf.div(levels, 255)]), tf.tensor1d(rows, 'int32'))
  })
}

export interface OperationParams extends Pick<AutoAugmentParams, 'fill'> {
  readonly op: Operation
  /** One an image, in the operation's own unit; without meaning for AutoContrast, Equalize and Invert. */
  readonly magnitudes: ArrayLike<number>
  /** SamplePairing's other images, their places in the batch, one an image. */
  readonly partners?: ArrayLike<number>
  /** Cutout's [row, column], one an image; default the middle. */
  readonly centers?: readonly (readonly [number, number])[]
}

/**
 * Does one operation on all images, a magnitude an image, on the grid k / 255 to which images are rounded.
 *
 * Magnitudes: shear, pixels a pixel, from the top left corner; translation, pixels, truncated; rotation,
 * degrees counter-clockwise; Cutout, pixels a side; Solarize, the level from which on it inverts, 0 to 255;
 * Posterize, bits kept; Contrast, Brightness, Color and Sharpness, factor − 1; SamplePairing, the other's weight.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1], 3 channels or 1
 * @returns as `images`
 * @throws RangeError where the operation is none, or there is not one magnitude an image
 * @example
 * applyOperation(images, { op: 'Rotate', magnitudes: [30, -17.5], fill: 0.5 }) // for two images
 * @see Cubuk et al. 2019, https://arxiv.org/abs/1805.09501
 */
export function applyOperation(
  images: tf.Tensor4D,
  { op, magnitudes, fill, partners, centers }: OperationParams,
): tf.Tensor4D {
  const [batch, height, width] = images.shape
  assertOption(operations.includes(op), 'autoaugment', { op }, `one of ${operations.join(', ')}`)
  const numbers = `${batch} numbers, one an image`
  assertOption(magnitudes.length === batch, 'autoaugment', { magnitudes }, numbers)
  const places = Array.from(partners ?? [])
  const paired =
    places.length === batch && places.every((i) => Number.isInteger(i) && i >= 0 && i < batch)
  if (op === 'SamplePairing')
    assertOption(paired, 'autoaugment', { partners }, `${batch} places in [0, ${batch})`)
  const middle = [Math.floor(height / 2), Math.floor(width / 2)] as const
  const steps = Array.from(magnitudes, (magnitude, i): [Step] => [
    { op, magnitude, center: centers?.[i] ?? middle, partner: places[i] },
  ])
  return applyAutoAugment(images, { steps, fill })
}
