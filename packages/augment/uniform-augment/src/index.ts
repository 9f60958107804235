import type { Random, Trick } from '@tricks/core'
import { withDraws } from '@tricks/core/augmentation'
import { choice, defineOptions, integer, number, type OptionsOf } from '@tricks/core/options'
import { drawnSteps, type Operation, type Step, type StepsParams } from '@tricks/operations'

export const uniformAugmentOptions = defineOptions('uniform-augment', {
  /** Number of operations per image, applied in turn; about half of them are skipped. */
  operations: integer({ min: 1, max: 32, default: 2 }),
  /** Value of pixels from outside the image: the data's mean, or a number. */
  fill: choice(['mean', number({ min: 0, max: 1 })], { default: 'mean' }),
})
export type UniformAugmentOptions = OptionsOf<typeof uniformAugmentOptions>

/** The steps of each image. */
export type UniformAugmentParams = StepsParams

type Range = (height: number, width: number) => readonly [number, number]

const none: Range = () => [0, 0]
const enhancement: Range = () => [-0.9, 0.9]
/** Ranges of the magnitudes, in the operations' units. */
const ranges: Readonly<Partial<Record<Operation, Range>>> = {
  ShearX: () => [-0.3, 0.3],
  ShearY: () => [-0.3, 0.3],
  TranslateX: (_, width) => [-0.45 * width, 0.45 * width],
  TranslateY: (height) => [-0.45 * height, 0.45 * height],
  Rotate: () => [-30, 30],
  AutoContrast: none,
  Invert: none,
  Equalize: none,
  Solarize: () => [0, 256],
  Posterize: () => [4, 8],
  Contrast: enhancement,
  Color: enhancement,
  Brightness: enhancement,
  Sharpness: enhancement,
  Cutout: (_, width) => [0, 0.2 * width],
}
const names = Object.keys(ranges) as Operation[]

/** Draws everything even if the step is skipped, so that later draws don't depend on it. */
function drawOne(random: Random, height: number, width: number): Step | null {
  const op = names[random.integer(0, names.length)]!
  const happens = random.uniform() > random.uniform()
  const drawn = random.uniform(...ranges[op]!(height, width))
  const center = [random.integer(0, height), random.integer(0, width)] as const
  if (!happens) return null
  const magnitude = op === 'Posterize' ? Math.floor(drawn) : drawn
  return op === 'Cutout' ? { op, magnitude, center } : { op, magnitude }
}

/**
 * Applies operations to each image, with uniformly drawn operations, magnitudes and probabilities, and nothing to tune.
 *
 * @throws RangeError for an option out of its range, and unless the images have 1 or 3 channels
 * @example
 * compose([randomFlip(), uniformAugment()])
 * @see LingChen et al. 2020, https://arxiv.org/abs/2003.14348
 */
export function uniformAugment({ key, ...given }: UniformAugmentOptions = {}): Trick {
  const options = uniformAugmentOptions.parse(given)
  return {
    name: 'uniform-augment',
    key,
    options,
    ...drawnSteps('uniform-augment', {
      fill: options.fill,
      drawing:
        ({ height, width }) =>
        (image) =>
          Array.from({ length: options.operations }, () => drawOne(image, height, width)),
    }),
  }
}

/**
 * Changes images with random draws, for a loop without a pipeline: `uniformAugment` as a function of images.
 *
 * @param images float32 `[batch, height, width, channels]` in [0, 1]
 * @returns images of the same shape
 * @example
 * const changed = uniformAugmentBatch(images, { seed: 1, step })
 */
export const uniformAugmentBatch = withDraws(uniformAugment)
