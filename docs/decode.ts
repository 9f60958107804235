// Pictures as squares of bytes, in a page or in a worker.

/**
 * The centre of a picture, scaled to a square, as RGB bytes: as `tricks train` crops and scales it. Transparent parts are
 * black, as there.
 */
export function squareOf(picture: ImageBitmap | HTMLVideoElement, side: number): Uint8Array {
  const [width, height] =
    picture instanceof ImageBitmap
      ? [picture.width, picture.height]
      : [picture.videoWidth, picture.videoHeight]
  const context = new OffscreenCanvas(side, side).getContext('2d', { willReadFrequently: true })!
  context.imageSmoothingQuality = 'high'
  context.fillStyle = '#000'
  context.fillRect(0, 0, side, side)
  const scale = Math.max(side / width, side / height)
  const [w, h] = [width * scale, height * scale]
  context.drawImage(picture, (side - w) / 2, (side - h) / 2, w, h)
  return withoutAlpha(context.getImageData(0, 0, side, side).data)
}

/**
 * Reads a picture.
 *
 * @throws DOMException if the browser cannot read it as a picture
 */
export async function decode(picture: Blob, side: number): Promise<Uint8Array> {
  const bitmap = await createImageBitmap(picture)
  try {
    return squareOf(bitmap, side)
  } finally {
    bitmap.close()
  }
}

/** RGBA to RGB. */
export function withoutAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3)
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!
    rgb[to + 1] = rgba[from + 1]!
    rgb[to + 2] = rgba[from + 2]!
  }
  return rgb
}
