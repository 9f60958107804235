import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'
import { copyImage, inOnePass } from '@tricks/core/augmentation'
import { assertChannels, assertSteps } from './checks.ts'
import { operate } from './families.ts'
import { toLevels } from './levels.ts'
import {
  type Interpolation,
  type Operation,
  type OperationContext,
  operations,
  type Step,
} from './operation.ts'
import { writeSteps } from './program.ts'

export interface StepsParams {
  /** Each image's steps, applied in order; null does nothing. */
  readonly steps: readonly (readonly (Step | null)[])[]
  /** The value outside the image in [0, 1], or one per channel; default 0. */
  readonly fill?: number | readonly number[]
  /** Interpolation of shears and rotations; default 'nearest'. */
  readonly interpolation?: Interpolation
}

/**
 * Applies a list of operations to each image, on the grid k / 255, to which images with operations are rounded.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]; Color and Contrast need 1 or 3 channels
 * @param where the trick's name, the prefix of error messages
 * @returns images of the same shape
 * @throws RangeError unless there is one list of steps per image, and one fill in all or per channel
 * @example
 * applySteps(images, { steps: [[{ op: 'Rotate', magnitude: 30 }], []], fill: 0.5 }) // for two images
 * @see Cubuk et al. 2019, https://arxiv.org/abs/1805.09501
 */
export function applySteps(
  images: tf.Tensor4D,
  { steps, fill = 0, interpolation = 'nearest' }: StepsParams,
  where = 'operations',
): tf.Tensor4D {
  const [batch, , , channels] = images.shape
  assertSteps(steps, batch, where)
  const ops = steps.flatMap((own) => own.flatMap((step) => step?.op ?? []))
  assertChannels(ops, channels, where)
  const fills = typeof fill === 'number' ? Array<number>(channels).fill(fill) : fill
  const range = `one value, or ${channels}, one per channel`
  assertArgument(fills.length === channels && fills.every(Number.isFinite), where, { fill }, range)

  const changed = steps.map((own) => own.some((step) => step !== null))
  if (!changed.includes(true)) return tf.clone(images)
  const known = interpolation === 'nearest' || interpolation === 'bilinear'
  assertArgument(known, where, { interpolation }, "'nearest' or 'bilinear'")
  const levelOf = (value: number): number => Math.round(value * 255)
  const around = { originals: images, fill: fills.map(levelOf), interpolation }
  return inOnePass(
    images,
    (image, program) => {
      if (changed[image]) writeSteps(program, image, steps[image]!, around)
      else copyImage(program, images.shape, image)
    },
    (x) => composed(x, steps, around),
  )
}

/** The same from tfjs operations, a family of operations at a time. */
function composed(
  images: tf.Tensor4D,
  steps: StepsParams['steps'],
  around: OperationContext,
): tf.Tensor4D {
  const [batch] = images.shape
  const changed = [...steps.keys()].filter((image) => steps[image]!.some((step) => step !== null))
  const passes = Math.max(...steps.map(({ length }) => length))
  return tf.tidy(() => {
    let levels = toLevels(tf.gather(images, tf.tensor1d(changed, 'int32')))
    let shown = changed
    for (let pass = 0; pass < passes; pass++) {
      const own = shown.map((image) => steps[image]![pass] ?? null)
      const done = operate(levels, own, around)
      levels = done.levels
      shown = done.order.map((index) => shown[index]!)
    }
    const still = [...steps.keys()].filter((image) => !changed.includes(image))
    const unchanged = tf.gather(images, tf.tensor1d(still, 'int32'))
    const rows = new Int32Array(batch)
    for (const [row, image] of [...still, ...shown].entries()) rows[image] = row
    return tf.gather(tf.concat([unchanged, tf.div(levels, 255)]), tf.tensor1d(rows, 'int32'))
  })
}

export interface OperationParams extends Pick<StepsParams, 'fill' | 'interpolation'> {
  readonly op: Operation
  /** One per image, in the operation's unit; ignored by AutoContrast, Equalize and Invert. */
  readonly magnitudes: ArrayLike<number>
  /** Indices in the batch of SamplePairing's other images, one per image. */
  readonly partners?: ArrayLike<number>
  /** Cutout's [row, column], one per image; default the centre. */
  readonly centers?: readonly (readonly [number, number])[]
}

/**
 * Applies one operation to all images, with a magnitude per image, on the grid k / 255, to which images are rounded.
 *
 * Magnitudes: shear, pixels per pixel, about the top left corner; translation, pixels, truncated; rotation, degrees
 * counter-clockwise; Cutout, pixels per side; Solarize, the level from which it inverts, 0 to 255; Posterize, bits
 * kept; Contrast, Brightness, Color and Sharpness, factor − 1; SamplePairing, the other image's weight.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]; Color and Contrast need 1 or 3 channels
 * @returns images of the same shape
 * @throws RangeError for an unknown operation, or unless there is one magnitude per image
 * @example
 * applyOperation(images, { op: 'Rotate', magnitudes: [30, -17.5], fill: 0.5 }) // for two images
 * @see Cubuk et al. 2019, https://arxiv.org/abs/1805.09501
 */
export function applyOperation(
  images: tf.Tensor4D,
  { op, magnitudes, fill, interpolation, partners, centers }: OperationParams,
): tf.Tensor4D {
  const [batch] = images.shape
  const check = (valid: boolean, argument: Readonly<Record<string, unknown>>, range: string) =>
    assertArgument(valid, 'operations', argument, range)
  check(operations.includes(op), { op }, `one of ${operations.join(', ')}`)
  check(magnitudes.length === batch, { magnitudes }, `${batch} numbers, one per image`)
  if (op === 'SamplePairing') {
    const indices = Array.from(partners ?? [])
    const paired = indices.every((i) => Number.isInteger(i) && i >= 0 && i < batch)
    check(indices.length === batch && paired, { partners }, `${batch} indices in [0, ${batch})`)
  }
  const own = centers === undefined || centers.length === batch
  check(own, { centers }, `${batch} pairs [row, column], one per image`)
  const steps = Array.from(magnitudes, (magnitude, i): [Step] => [
    {
      op,
      magnitude,
      ...(centers && { center: centers[i]! }),
      ...(partners && { partner: partners[i]! }),
    },
  ])
  return applySteps(images, { steps, fill, interpolation })
}
