import { createRandom } from '@tricks/core'
import type { ImageSet } from '@tricks/train'

export const [height, width, channels] = [8, 8, 3]

/** Noise images in four classes. */
export function images(size: number): ImageSet {
  const random = createRandom(2)
  return {
    images: Uint8Array.from({ length: size * height * width * channels }, () =>
      random.integer(0, 256),
    ),
    labels: Array.from({ length: size }, () => random.integer(0, 4)),
    height,
    width,
    channels,
    classes: ['a', 'b', 'c', 'd'],
  }
}
