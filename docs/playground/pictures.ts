// The pictures that tricks are shown on, as a batch.
import * as tf from '@tensorflow/tfjs-core'
import { decode, squareOf, withoutAlpha } from '../decode.ts'
import samplesUrl from '../generated/samples.png?url'
import samples from '../generated/samples.json' with { type: 'json' }

/** Pictures of equal size, ready for the pipeline. */
export interface Pictures {
  /** Bytes, NHWC with three channels. */
  readonly pixels: Uint8Array
  readonly count: number
  readonly side: number
  readonly labels: readonly number[]
  readonly classes: readonly string[]
  /** Per channel, in [0, 1]. */
  readonly mean: readonly number[]
}

/** Pictures shown at a time. */
export const shown = 4
/** Side of the user's pictures: large enough to recognise, small enough to be fast. */
const ownSide = 160

/** The sample pictures, as they are in the data set. */
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
  const pixels = withoutAlpha(context.getImageData(0, 0, side, shown * side).data)
  const { classes, labels, mean } = samples
  return { pixels, count: shown, side, labels: labels.slice(0, shown), classes, mean }
}

/**
 * The user's pictures, and samples in the places that are left, all of the same size.
 *
 * @param own squares of `ownSide`, at most four of them
 */
export function withOwn(own: readonly Uint8Array[], of: Pictures): Pictures {
  if (own.length === 0) return of
  const bytes = ownSide * ownSide * 3
  const pixels = new Uint8Array(shown * bytes)
  for (let i = 0; i < shown; i++) pixels.set(own[i] ?? enlarged(of, i, ownSide), i * bytes)
  const sums = [0, 0, 0]
  for (let i = 0; i < pixels.length; i++) sums[i % 3]! += pixels[i]!
  return {
    pixels,
    count: shown,
    side: ownSide,
    // Each of the user's pictures is its own class.
    classes: [...of.classes, ...own.map((_, i) => (own.length === 1 ? 'yours' : `yours ${i + 1}`))],
    labels: of.labels.map((label, i) => (i < own.length ? of.classes.length + i : label)),
    mean: sums.map((sum) => sum / (pixels.length / 3) / 255),
  }
}

/** A sample at another size, by its nearest pixels. */
function enlarged({ pixels, side }: Pictures, index: number, to: number): Uint8Array {
  const result = new Uint8Array(to * to * 3)
  for (let y = 0; y < to; y++)
    for (let x = 0; x < to; x++) {
      const from = (index * side + Math.floor((y * side) / to)) * side + Math.floor((x * side) / to)
      result.set(pixels.subarray(from * 3, from * 3 + 3), (y * to + x) * 3)
    }
  return result
}

/** A file as a square of the size that `withOwn` expects. */
export const ownPicture = (file: Blob): Promise<Uint8Array> => decode(file, ownSide)

/** The current picture of a camera. */
export const cameraPicture = (video: HTMLVideoElement): Uint8Array => squareOf(video, ownSide)

/** The batch, with images in [0, 1] and one-hot targets. The caller disposes it. */
export function batchOf({ pixels, count, side, labels, classes }: Pictures): {
  images: tf.Tensor4D
  targets: tf.Tensor2D
} {
  const values = Float32Array.from(pixels, (byte) => byte / 255)
  const targets = new Float32Array(count * classes.length)
  labels.forEach((label, i) => (targets[i * classes.length + label] = 1))
  return {
    images: tf.tensor4d(values, [count, side, side, 3]),
    targets: tf.tensor2d(targets, [count, classes.length]),
  }
}
