/** Labelled images of equal size, as bytes `[count, height, width, channels]`. */
export interface ImageSet {
  readonly images: Uint8Array
  /** Class indices, `[count]`. */
  readonly labels: Uint8Array
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly classes: readonly string[]
}

/** The standard split: 50,000 training and 10,000 test images. */
export interface Cifar10 {
  readonly train: ImageSet
  readonly test: ImageSet
}
