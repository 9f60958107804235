/** Labelled images of one size: bytes, `[count, height, width, channels]`. */
export interface ImageSet {
  readonly images: Uint8Array
  /** Class numbers, `[count]`. */
  readonly labels: Uint8Array
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly classes: readonly string[]
}

/** The split that every paper uses: 50,000 training and 10,000 test images. */
export interface Cifar10 {
  readonly train: ImageSet
  readonly test: ImageSet
}
