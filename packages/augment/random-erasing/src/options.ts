import {
  checked,
  choice,
  defineOptions,
  interval,
  number,
  type OptionsOf,
} from '@tricks/core/options'

const level = number({ min: 0, max: 1 })
export const randomErasingOptions = defineOptions('random-erasing', {
  /** Share of the images that lose a rectangle. */
  probability: number({ min: 0, max: 1, default: 0.5 }),
  /** The share of the image that a rectangle covers. */
  area: interval({ above: 0, max: 1, default: [0.02, 0.4] }),
  /** The flattest shape, height / width; the steepest is its inverse. */
  ratio: number({ above: 0, max: 1, scale: 'log', default: 0.3 }),
  /**
   * How shapes are drawn from [ratio, 1 / ratio]: uniformly, as the paper's code does, which makes more of them steep, or
   * by their logarithm, as timm and torchvision do.
   */
  aspect: choice(['uniform', 'log-uniform'], { default: 'uniform' }),
  /**
   * What a rectangle shows: a uniform value per pixel and channel, which the paper found best; the data's mean; a value; or
   * a colour.
   */
  fill: choice(
    [
      'random',
      'mean',
      level,
      checked<readonly number[]>(
        'a list of them, one per channel',
        (list) => Array.isArray(list) && list.length > 0 && list.every(level.accepts),
      ),
    ],
    { default: 'random' },
  ),
})
export type RandomErasingOptions = OptionsOf<typeof randomErasingOptions>
