import type { Random } from '@tricks/core'

type Range = readonly [number, number]

/**
 * Draws a window [row, column, height, width]; after ten attempts, returns the largest centred one with the nearest
 * valid aspect ratio.
 */
export function drawBox(
  random: Random,
  imageHeight: number,
  imageWidth: number,
  { area, ratio }: { readonly area: Range; readonly ratio: Range },
): readonly [number, number, number, number] {
  for (let attempt = 0; attempt < 10; attempt++) {
    const target = imageHeight * imageWidth * random.uniform(...area)
    const shape = Math.exp(random.uniform(Math.log(ratio[0]), Math.log(ratio[1])))
    const height = Math.round(Math.sqrt(target / shape))
    const width = Math.round(Math.sqrt(target * shape))
    if (height > 0 && height <= imageHeight && width > 0 && width <= imageWidth)
      return [
        random.integer(0, imageHeight - height + 1),
        random.integer(0, imageWidth - width + 1),
        height,
        width,
      ]
  }
  const shape = Math.min(Math.max(imageWidth / imageHeight, ratio[0]), ratio[1])
  const height = Math.max(1, Math.min(imageHeight, Math.round(imageWidth / shape)))
  const width = Math.max(1, Math.min(imageWidth, Math.round(imageHeight * shape)))
  const [row, column] = [
    Math.floor((imageHeight - height) / 2),
    Math.floor((imageWidth - width) / 2),
  ]
  return [row, column, height, width]
}
