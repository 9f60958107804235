import type { BatchShape, Random, Trick } from '@tricks/core'
import { applySteps, type StepsParams } from './apply.ts'
import { assertChannels } from './checks.ts'
import { describeSteps } from './describe.ts'
import { type Operation, operations, type Step } from './operation.ts'

/**
 * The hooks of a trick that draws operations for each image. The number of channels is checked for all operations that
 * may be drawn, when a run starts and in `draw`, so that the seed makes no difference.
 *
 * @param name the trick's name, the prefix of error messages
 * @param options.fill of pixels from outside the image: the data's mean, or a number
 * @param options.used the operations that may be drawn, default all
 * @param options.drawing returns a function that draws the steps of an image
 * @example
 * const half = { op: 'Invert', magnitude: 0 } as const
 * const hooks = drawnSteps('half-inverted', {
 *   fill: 0,
 *   drawing: () => (image) => [image.uniform() < 0.5 ? half : null],
 * })
 */
export function drawnSteps(
  name: string,
  {
    fill,
    used = operations,
    drawing,
  }: {
    readonly fill: 'mean' | number
    readonly used?: readonly Operation[]
    readonly drawing: (shape: BatchShape) => (image: Random) => readonly (Step | null)[]
  },
): Required<Pick<Trick, 'start' | 'images'>> {
  const check = ({ channels }: { channels: number }): void => assertChannels(used, channels, name)
  return {
    start: ({ data }) => check(data),
    images: {
      draw(random, shape): StepsParams {
        check(shape)
        const steps = random.images(shape.batch, drawing(shape))
        return { steps, fill: fill === 'mean' ? shape.mean : fill }
      },
      apply: (images, params: StepsParams) => applySteps(images, params, name),
      describe: ({ steps }: StepsParams, image) => describeSteps(steps[image]!),
    },
  }
}
