import * as tf from '@tensorflow/tfjs-core'
import { assertOption, type Trick } from '@tricks/core'
import { add, blend, grey, scale, toImages, toPlanes, turnHue } from './color.ts'

export interface ColorJitterOptions {
  /** Factors are drawn from [1 − brightness, 1 + brightness], at least 0; default 0.4. */
  readonly brightness?: number
  /** Likewise; default 0.4. */
  readonly contrast?: number
  /** Likewise; default 0.4. */
  readonly saturation?: number
  /** Hues turn by up to this part of the circle either way, in [0, 0.5]; default 0.1. */
  readonly hue?: number
  /** What is added to each channel, up to this either way, in [0, 1]; default 0. */
  readonly shift?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/** Each one number an image; what is absent stays. */
export interface ColorParams {
  /** Factor, 0 makes black. */
  readonly brightness?: ArrayLike<number>
  /** Factor, 0 makes the image's mean grey. */
  readonly contrast?: ArrayLike<number>
  /** Factor, 0 makes grey. */
  readonly saturation?: ArrayLike<number>
  /** Part of the circle of hues. */
  readonly hue?: ArrayLike<number>
  /** What is added, one number a channel. */
  readonly shift?: readonly ArrayLike<number>[]
}

const names = ['brightness', 'contrast', 'saturation', 'hue', 'shift'] as const

/**
 * Changes brightness, contrast, saturation, hue and channels, in that order, each clipped to [0, 1].
 *
 * The first three are factor · image + (1 − factor) · other: black, the mean of the grey image, the grey image.
 *
 * @param images float32 `[batch, height, width, channels]`, 3 channels or 1, which has no saturation and hue
 * @returns as `images`
 * @throws RangeError where there is not one number an image; Error for another number of channels
 * @example
 * applyColorJitter(images, { brightness: [1.2, 0.8], hue: [0.05, -0.1] }) // for two images
 * @see Howard 2013, https://arxiv.org/abs/1312.5402
 */
export function applyColorJitter(images: tf.Tensor4D, params: ColorParams): tf.Tensor4D {
  const [batch, , , channels] = images.shape
  if (channels !== 3 && channels !== 1)
    throw new Error(`color-jitter: expected 3 channels or 1, got ${channels}`)
  const { brightness, contrast, saturation, hue, shift } = params
  const range = `${batch} numbers, one an image`
  for (const name of names)
    assertOption(
      (params[name]?.length ?? batch) === batch,
      'color-jitter',
      { [name]: params[name] },
      range,
    )
  const whole = (shift ?? []).every(({ length }) => length === channels)
  assertOption(whole, 'color-jitter', { shift }, `${channels} numbers an image, one a channel`)

  const column = (values: ArrayLike<number>): tf.Tensor2D =>
    tf.tensor2d(Float32Array.from(values), [batch, 1])
  return tf.tidy(() => {
    let planes = toPlanes(images)
    if (brightness) planes = scale(planes, column(brightness))
    if (contrast) planes = blend(planes, tf.mean(grey(planes), 1, true), column(contrast))
    if (saturation && channels === 3) planes = blend(planes, grey(planes), column(saturation))
    if (hue && channels === 3) planes = turnHue(planes, column(hue))
    if (shift) planes = add(planes, (channel) => column(shift.map((own) => own[channel]!)))
    return toImages(planes, images.shape)
  })
}

/**
 * Changes the colours of each image at random, so that the network doesn't rely on the light.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 })])
 * @see Howard 2013, https://arxiv.org/abs/1312.5402
 */
export function colorJitter({
  brightness = 0.4,
  contrast = 0.4,
  saturation = 0.4,
  hue = 0.1,
  shift = 0,
  key,
}: ColorJitterOptions = {}): Trick {
  const range = 'a number of at least 0 and at most 1e6'
  for (const [name, value] of Object.entries({ brightness, contrast, saturation }))
    assertOption(value >= 0 && value <= 1e6, 'color-jitter', { [name]: value }, range)
  assertOption(hue >= 0 && hue <= 0.5, 'color-jitter', { hue }, 'a number in [0, 0.5]')
  assertOption(shift >= 0 && shift <= 1, 'color-jitter', { shift }, 'a number in [0, 1]')
  const options = { brightness, contrast, saturation, hue, shift }
  return {
    name: 'color-jitter',
    key,
    options,
    images: {
      draw(random, { batch, channels }): ColorParams {
        // Each image draws all, so that leaving one out leaves the others as they were.
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
      apply: (images, params) => applyColorJitter(images, params as ColorParams),
    },
  }
}
