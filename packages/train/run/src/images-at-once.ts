/** The activations for this many pixels take a few hundred megabytes. */
const pixels = 16 * 224 * 224

/** Number of images of a size to pass through a network at once without gradients; affects only memory and time. */
export const imagesAtOnce = ({
  height,
  width,
}: {
  readonly height: number
  readonly width: number
}): number => Math.min(500, Math.max(4, Math.floor(pixels / (height * width))))
