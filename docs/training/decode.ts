// Reads pictures when they are needed; none is kept.

/** A picture's centre as a square of RGB bytes, as `tricks train` crops and scales it. */
export async function decode(picture: Blob | ImageBitmap, side: number): Promise<Uint8Array> {
  const bitmap = picture instanceof Blob ? await createImageBitmap(picture) : picture
  try {
    const { width, height } = bitmap
    const context = new OffscreenCanvas(side, side).getContext('2d', { willReadFrequently: true })!
    context.imageSmoothingQuality = 'high'
    // Transparent parts are white, as on a page.
    context.fillStyle = '#fff'
    context.fillRect(0, 0, side, side)
    const scale = Math.max(side / width, side / height)
    const [w, h] = [width * scale, height * scale]
    context.drawImage(bitmap, (side - w) / 2, (side - h) / 2, w, h)
    const { data } = context.getImageData(0, 0, side, side)
    const rgb = new Uint8Array(side * side * 3)
    for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
      rgb[to] = data[from]!
      rgb[to + 1] = data[from + 1]!
      rgb[to + 2] = data[from + 2]!
    }
    return rgb
  } finally {
    bitmap.close()
  }
}
