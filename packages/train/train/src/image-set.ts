/** Bytes by position: a `Uint8Array`, a `Uint8ClampedArray`, a `Buffer`, or something that reads them from a file. */
export interface Pixels {
  readonly length: number
  subarray(from: number, to: number): Uint8Array | Uint8ClampedArray
}

/** Labelled images of one size. */
export interface ImageSet {
  /** Bytes from 0 to 255, image after image, row after row, all channels of a pixel together (NHWC). */
  readonly images: Pixels
  /** One class number per image, from 0. */
  readonly labels: ArrayLike<number>
  readonly height: number
  readonly width: number
  readonly channels: number
  /** The classes' names, two or more, each once, in the order of their numbers. */
  readonly classes: readonly string[]
}

/**
 * An image set and which of its images to use, so that a split copies nothing.
 */
export interface Subset {
  readonly set: ImageSet
  readonly indices: Int32Array
}

/** All of a set's images. */
export const allImages = (set: ImageSet): Subset => ({
  set,
  indices: Int32Array.from({ length: set.labels.length }, (_, i) => i),
})
