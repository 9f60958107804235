import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Trick } from '@tricks/core'
import { copyImage, inOnePass, instructions, signed, withDraws } from '@tricks/core/augmentation'
import { defineOptions, number, type OptionsOf } from '@tricks/core/options'
import { add, blend, grey, scale, toImages, toPlanes, turnHue } from './color.ts'

export const colorJitterOptions = defineOptions('color-jitter', {
  /** Factors are drawn from [1 − brightness, 1 + brightness], at least 0; factor 0 gives black. */
  brightness: number({ min: 0, max: 1e6, default: 0.4 }),
  /** Factors are drawn likewise; factor 0 gives the image's mean grey. */
  contrast: number({ min: 0, max: 1e6, default: 0.4 }),
  /** Factors are drawn likewise; factor 0 gives grey. */
  saturation: number({ min: 0, max: 1e6, default: 0.4 }),
  /** The largest rotation of hues in either direction, as a fraction of the circle. */
  hue: number({ min: 0, max: 0.5, default: 0.1 }),
  /** The largest amount that is added to or subtracted from each channel. */
  shift: number({ min: 0, max: 1, default: 0 }),
})
export type ColorJitterOptions = OptionsOf<typeof colorJitterOptions>

/** The changes, one number per image each; absent ones are not applied. */
export interface ColorParams {
  /** Factor; 0 gives black. */
  readonly brightness?: ArrayLike<number>
  /** Factor; 0 gives the image's mean grey. */
  readonly contrast?: ArrayLike<number>
  /** Factor; 0 gives grey. */
  readonly saturation?: ArrayLike<number>
  /** Fraction of the hue circle. */
  readonly hue?: ArrayLike<number>
  /** Added values, one number per channel. */
  readonly shift?: readonly ArrayLike<number>[]
}

const names = ['brightness', 'contrast', 'saturation', 'hue', 'shift'] as const

/**
 * Changes brightness, contrast, saturation, hue and channels, in that order, each clipped to [0, 1].
 *
 * The first three are factor · image + (1 − factor) · other: black, the mean of the grey image, the grey image.
 *
 * @param images float32 `[batch, height, width, channels]` with 3 channels, or 1, which has no saturation or hue
 * @returns images of the same shape
 * @throws RangeError unless there is one number per image, and 1 or 3 channels
 * @example
 * applyColorJitter(images, { brightness: [1.2, 0.8], hue: [0.05, -0.1] }) // for two images
 * @see Howard 2013, https://arxiv.org/abs/1312.5402
 */
export function applyColorJitter(images: tf.Tensor4D, params: ColorParams): tf.Tensor4D {
  const [batch, , , channels] = images.shape
  assertChannels({ channels })
  const { brightness, contrast, saturation, hue, shift } = params
  const numbers = (values: ArrayLike<number>, length: number): boolean =>
    values.length === length && Array.from(values).every(Number.isFinite)
  for (const [name, values] of Object.entries({ brightness, contrast, saturation, hue }))
    assertArgument(
      values === undefined || numbers(values, batch),
      'color-jitter',
      { [name]: values },
      `${batch} numbers, one per image`,
    )
  assertArgument(
    shift === undefined || (shift.length === batch && shift.every((own) => numbers(own, channels))),
    'color-jitter',
    { shift },
    `${channels} numbers for each of ${batch} images, one per channel`,
  )

  const column = (values: ArrayLike<number>): tf.Tensor2D =>
    tf.tensor2d(Float32Array.from(values), [batch, 1])
  const composed = (x: tf.Tensor4D): tf.Tensor4D =>
    tf.tidy(() => {
      let planes = toPlanes(x)
      if (brightness) planes = scale(planes, column(brightness))
      if (contrast) planes = blend(planes, tf.mean(grey(planes), 1, true), column(contrast))
      if (saturation && channels === 3) planes = blend(planes, grey(planes), column(saturation))
      if (hue && channels === 3) planes = turnHue(planes, column(hue))
      if (shift) planes = add(planes, (channel) => column(shift.map((own) => own[channel]!)))
      return toImages(planes, images.shape)
    })
  return inOnePass(
    images,
    (image, program) => {
      copyImage(program, images.shape, image)
      if (brightness) program.push(instructions.brightness, brightness[image]!)
      if (contrast) program.push(instructions.contrast, contrast[image]!)
      if (saturation && channels === 3) program.push(instructions.saturation, saturation[image]!)
      if (hue && channels === 3) program.push(instructions.hue, hue[image]!)
      if (shift) program.push(instructions.shift, ...Array.from(shift[image]!))
    },
    composed,
  )
}

/** Throws unless images are RGB or grey. */
const assertChannels = ({ channels }: { readonly channels: number }): void =>
  assertArgument(channels === 1 || channels === 3, 'color-jitter', { channels }, '1 or 3')

/**
 * Randomly changes the colours of each image, so that the network does not rely on lighting.
 *
 * @throws RangeError for an option out of its range; when a run starts, for images without 1 or 3 channels
 * @example
 * compose([colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 })])
 * @see Howard 2013, https://arxiv.org/abs/1312.5402
 */
export function colorJitter({ key, ...given }: ColorJitterOptions = {}): Trick {
  const options = colorJitterOptions.parse(given)
  const { brightness, contrast, saturation, hue, shift } = options
  return {
    name: 'color-jitter',
    key,
    options,
    start: ({ data }) => assertChannels(data),
    images: {
      draw(random, { batch, channels }): ColorParams {
        // Each image draws all values, so that leaving one out does not change the others.
        const drawn = random.images(batch, (image) => ({
          brightness: image.uniform(Math.max(0, 1 - brightness), 1 + brightness),
          contrast: image.uniform(Math.max(0, 1 - contrast), 1 + contrast),
          saturation: image.uniform(Math.max(0, 1 - saturation), 1 + saturation),
          hue: image.uniform(-hue, hue),
          shift: Array.from({ length: channels }, () => image.uniform(-shift, shift)),
        }))
        const used = names.filter((name) => options[name] > 0)
        return Object.fromEntries(used.map((name) => [name, drawn.map((each) => each[name])]))
      },
      apply: applyColorJitter,
      describe(params: ColorParams, image) {
        const factor = (word: string, factors?: ArrayLike<number>): string[] =>
          factors ? [`${word} ${factors[image]!.toFixed(2)}`] : []
        const shifts = params.shift && Array.from(params.shift[image]!, (each) => signed(each, 2))
        return [
          ...factor('light', params.brightness),
          ...factor('contrast', params.contrast),
          ...factor('colour', params.saturation),
          ...(params.hue ? [`hue ${signed(params.hue[image]! * 360)}°`] : []),
          ...(shifts ? [`shift ${shifts.join(' ')}`] : []),
        ].join(', ')
      },
    },
  }
}

/**
 * Changes colours with random draws, for a loop without a pipeline: `colorJitter` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1], 3 channels or 1
 * @returns images of the same shape
 * @example
 * const changed = colorJitterBatch(images, { brightness: 0.4, hue: 0.1, seed: 1, step })
 */
export const colorJitterBatch = withDraws(colorJitter)
