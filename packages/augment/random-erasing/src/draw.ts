import { assertOption, type Random } from '@tricks/core'
import type { RandomErasingOptions } from './index.ts'

export type Resolved = Required<Omit<RandomErasingOptions, 'key'>>

/** A rectangle [row, column, height, width] strictly smaller than the image, or null after 100 attempts. */
export function drawBox(
  random: Random,
  imageHeight: number,
  imageWidth: number,
  { area, ratio, aspect }: Pick<Resolved, 'area' | 'ratio' | 'aspect'>,
): readonly [number, number, number, number] | null {
  for (let attempt = 0; attempt < 100; attempt++) {
    const target = random.uniform(...area) * imageHeight * imageWidth
    const shape =
      aspect === 'uniform'
        ? random.uniform(ratio, 1 / ratio)
        : Math.exp(random.uniform(Math.log(ratio), -Math.log(ratio)))
    const height = Math.round(Math.sqrt(target * shape))
    const width = Math.round(Math.sqrt(target / shape))
    if (height < imageHeight && width < imageWidth)
      return [
        random.integer(0, imageHeight - height + 1),
        random.integer(0, imageWidth - width + 1),
        height,
        width,
      ]
  }
  return null
}

/** Throws where an option is out of its range. */
export function check({ probability, area, ratio, aspect, fill }: Resolved): void {
  const share = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1
  assertOption(share(probability), 'random-erasing', { probability }, 'a number in [0, 1]')
  const pair = Array.isArray(area) && area.length === 2 && area.every(share)
  const [low, high] = pair ? area : [0, 0]
  const ordered = low > 0 && low <= high && high <= 1
  assertOption(ordered, 'random-erasing', { area }, '[low, high] with 0 < low ≤ high ≤ 1')
  assertOption(ratio > 0 && ratio <= 1, 'random-erasing', { ratio }, 'a number in (0, 1]')
  const aspects = ['uniform', 'log-uniform']
  assertOption(
    aspects.includes(aspect),
    'random-erasing',
    { aspect },
    `one of ${aspects.join(', ')}`,
  )
  const colour = Array.isArray(fill) && fill.length > 0 && fill.every(share)
  const fills = fill === 'random' || fill === 'mean' || share(fill) || colour
  const words = "'random', 'mean', a number in [0, 1] or a list of them, one a channel"
  assertOption(fills, 'random-erasing', { fill }, words)
}
