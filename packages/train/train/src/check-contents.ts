import type { ImageSet } from './image-set.ts'

/**
 * Detects suspicious training pixels, which may still be intended: all images equal, only bytes 0 and 1, or channels
 * that seem to be stored as planes.
 */
export function findSuspect(set: ImageSet): string | undefined {
  const { images, labels } = set
  const size = images.length / labels.length
  const first = images.subarray(0, size)
  // Both are decided after an image or two, unless something is wrong.
  const some = (wanted: (byte: number, i: number) => boolean): boolean => {
    for (let i = 0; i < labels.length; i++)
      if (images.subarray(i * size, (i + 1) * size).some(wanted)) return true
    return false
  }
  if (labels.length > 1 && !some((byte, i) => byte !== first[i]))
    return `all ${labels.length} training images are the same: check how they are read`
  if (!some((byte) => byte > 1))
    return 'no byte of the training images is above 1: multiply values in [0, 1] by 255 before they are stored as bytes'
  if (channelsFirst(set))
    return (
      'the training images seem to be stored as planes (all red values, then all green, then all blue):  ' +
      'if so, reorder them so that all channels of a pixel are together'
    )
  return undefined
}

/** Limits of the measurement below: smaller images, or other channel counts, are not checked. */
const photograph = { side: 16, channels: [3, 4] }
const looked = 8

/**
 * Whether a few photographs are smoother when read as planes. The mean difference of neighbouring values, over rows,
 * columns and channels, is 2.3 to 6.3 times as large when pixels are read as planes, and 0.5 to 0.97 times in images
 * that are planes.
 */
function channelsFirst({ images, labels, height, width, channels }: ImageSet): boolean {
  if (!photograph.channels.includes(channels) || Math.min(height, width) < photograph.side)
    return false
  const size = height * width * channels
  let [pixels, planes] = [0, 0]
  for (let i = 0; i < Math.min(looked, labels.length); i++) {
    const at = Math.floor((i * labels.length) / Math.min(looked, labels.length)) * size
    const image = images.subarray(at, at + size)
    pixels += roughness(image, [height, width, channels])
    planes += roughness(image, [channels, height, width])
  }
  return planes < 0.97 * pixels
}

/** The mean difference of neighbours along all three axes. */
function roughness(image: Uint8Array | Uint8ClampedArray, shape: readonly number[]): number {
  const strides = [shape[1]! * shape[2]!, shape[2]!, 1]
  let [sum, count] = [0, 0]
  strides.forEach((stride, axis) => {
    const side = shape[axis]!
    for (let i = 0; i < image.length - stride; i++) {
      const last = (Math.floor(i / stride) + 1) % side === 0
      if (last) continue
      sum += Math.abs(image[i]! - image[i + stride]!)
      count++
    }
  })
  return sum / count
}
