// The pictures that tricks are shown on, as a batch.
import type { ImageSet } from '@tricks/train'
import { decode, squareOf, withoutAlpha } from '../decode.ts'
import samplesUrl from '../generated/samples.png?url'
import samples from '../generated/samples.json' with { type: 'json' }

/** Pictures of equal size, with their classes. */
export interface Pictures extends ImageSet {
  readonly images: Uint8Array
  /** Per channel, in [0, 1]. */
  readonly mean: readonly number[]
}

/** The size fields of a set of square images. */
const square = (side: number) => ({ height: side, width: side, channels: 3 })

/** Pictures shown at a time. */
export const shown = 4
/** Side of the user's pictures: large enough to recognise, small enough to be fast. */
const ownSide = 160

/** The sample pictures, at their size in the data set. */
export async function samplePictures(): Promise<Pictures> {
  const blob = await (await fetch(samplesUrl)).blob()
  const bitmap = await createImageBitmap(blob, {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  })
  const { width: side, height } = bitmap
  const context = new OffscreenCanvas(side, height).getContext('2d', { willReadFrequently: true })!
  context.drawImage(bitmap, 0, 0)
  bitmap.close()
  const images = withoutAlpha(context.getImageData(0, 0, side, shown * side).data)
  const { classes, labels, mean } = samples
  return { ...square(side), images, labels: labels.slice(0, shown), classes, mean }
}

/**
 * The user's pictures, filled up with samples, all of the same size.
 *
 * @param own squares of `ownSide`, at most four of them
 */
export function withOwn(own: readonly Uint8Array[], of: Pictures): Pictures {
  if (own.length === 0) return of
  const bytes = ownSide * ownSide * 3
  const images = new Uint8Array(shown * bytes)
  for (let i = 0; i < shown; i++) images.set(own[i] ?? enlarged(of, i, ownSide), i * bytes)
  const sums = [0, 0, 0]
  for (let i = 0; i < images.length; i++) sums[i % 3]! += images[i]!
  return {
    ...square(ownSide),
    images,
    // Each of the user's pictures is its own class.
    classes: [...of.classes, ...own.map((_, i) => (own.length === 1 ? 'yours' : `yours ${i + 1}`))],
    labels: Array.from(of.labels, (label, i) => (i < own.length ? of.classes.length + i : label)),
    mean: sums.map((sum) => sum / (images.length / 3) / 255),
  }
}

/** Enlarges a sample by nearest-neighbour interpolation. */
function enlarged({ images, width: side }: Pictures, index: number, to: number): Uint8Array {
  const result = new Uint8Array(to * to * 3)
  for (let y = 0; y < to; y++)
    for (let x = 0; x < to; x++) {
      const from = (index * side + Math.floor((y * side) / to)) * side + Math.floor((x * side) / to)
      result.set(images.subarray(from * 3, from * 3 + 3), (y * to + x) * 3)
    }
  return result
}

/** A file as a square of the size that `withOwn` expects. */
export const ownPicture = (file: Blob): Promise<Uint8Array> => decode(file, ownSide)

/** The current picture of a camera. */
export const cameraPicture = (video: HTMLVideoElement): Uint8Array => squareOf(video, ownSide)
