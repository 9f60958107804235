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
   * For images with any number of labels: 1 for each label of an image, otherwise 0, `[images, classes]` row by row.
   * Training and evaluation use them instead of `labels`, which are then used only for the split and the balance, and may
   * be any of an image's labels. A trick must set the loss: `binaryCrossEntropy` or `asymmetric`.
   */
  readonly targets?: ArrayLike<number>
  /**
   * Larger versions of the same images, in the same order. Training uses them if a trick crops windows to the size
   * above; everything else, such as evaluation, uses the images above.
   */
  readonly larger?: LargerImages
}

/** Larger versions of an image set's images. */
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
 * Whether training on a set uses its larger images: if a trick in the list declares the set's own size as its output
 * size.
 *
 * @example
 * takesLarger([randomFlip()], trainingImages) // false
 */
export const takesLarger = (
  tricks: readonly Trick[],
  { larger, height, width }: Pick<ImageSet, 'larger' | 'height' | 'width'>,
): boolean =>
  larger !== undefined &&
  tricks.some(({ images }) => {
    const size = images?.outputSize?.()
    return size?.height === height && size.width === width
  })
