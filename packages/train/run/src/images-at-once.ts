/** The activations of this many take a few hundred megabytes. */
const pixels = 16 * 224 * 224

/** How many images of a size pass through a network at once without gradients: memory and time alone depend on it. */
export const imagesAtOnce = ({
  height,
  width,
}: {
  readonly height: number
  readonly width: number
}): number => Math.min(500, Math.max(4, Math.floor(pixels / (height * width))))
