import type { Trick } from '@tricks/core'

/** Random access to bytes: a `Uint8Array`, `Uint8ClampedArray` or `Buffer`, or an object that reads from a file. */
export interface Pixels {
  readonly length: number
  subarray(from: number, to: number): Uint8Array | Uint8ClampedArray
}

/** Labelled images of equal size. */
export interface ImageSet {
  /** Bytes from 0 to 255, in NHWC order: image by image, row by row, all channels of a pixel together. */
  readonly images: Pixels
  /** One class index per image, from 0. */
  readonly labels: ArrayLike<number>
  readonly height: number
  readonly width: number
  readonly channels: number
  /** Class names in index order: two or more, without duplicates. */
  readonly classes: readonly string[]
  /**
   * The same images in the same order, larger: what training takes in their place if a trick cuts windows of the size above
   * out of them. Everything else, evaluation first of all, takes the images above.
   */
  readonly larger?: LargerImages
}

/** Pixels as in an image set, of images of another size. */
export interface LargerImages {
  readonly images: Pixels
  readonly height: number
  readonly width: number
}

export interface Subset {
  readonly set: ImageSet
  readonly indices: Int32Array
}

/**
 * A subset of all images.
 *
 * @example
 * const { indices } = allImages(trainingImages)
 */
export const allImages = (set: ImageSet): Subset => ({
  set,
  indices: Int32Array.from({ length: set.labels.length }, (_, i) => i),
})

/**
 * Whether training on a set takes its larger images: a trick of the list says that it gives images of the set's own size,
 * whatever the size of those that it gets.
 *
 * @example
 * takesLarger([randomFlip()], trainingImages) // false
 */
export const takesLarger = (
  tricks: readonly Trick[],
  { larger, height, width }: Pick<ImageSet, 'larger' | 'height' | 'width'>,
): boolean =>
  larger !== undefined &&
  tricks.some(({ images }) => String(images?.outputSize) === String([height, width]))
