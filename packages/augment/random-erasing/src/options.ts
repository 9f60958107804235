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
  /** Probability that an image is erased. */
  probability: number({ min: 0, max: 1, default: 0.5 }),
  /** The fraction of the image that a rectangle covers. */
  area: interval({ above: 0, max: 1, default: [0.02, 0.4] }),
  /** The smallest aspect ratio, height / width; the largest is its inverse. */
  ratio: number({ above: 0, max: 1, scale: 'log', default: 0.3 }),
  /**
   * How aspect ratios are drawn from [ratio, 1 / ratio]: uniformly, as in the paper's code, which makes most of them
   * tall, or log-uniformly, as in timm and torchvision.
   */
  aspect: choice(['uniform', 'log-uniform'], { default: 'uniform' }),
  /**
   * The content of a rectangle: a uniform random value per pixel and channel, which the paper found best; the data's
   * mean; a value; or a colour.
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
