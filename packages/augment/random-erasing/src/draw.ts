import type { Random } from '@tricks/core'
import type { RandomErasingOptions } from './options.ts'

type Resolved = Required<Pick<RandomErasingOptions, 'area' | 'ratio' | 'aspect'>>

/** A rectangle [row, column, height, width], in whole pixels. */
export type Box = readonly [number, number, number, number]

/** Draws a rectangle strictly smaller than the image, or null after 100 attempts. */
export function drawBox(
  random: Random,
  imageHeight: number,
  imageWidth: number,
  { area, ratio, aspect }: Resolved,
): Box | null {
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
