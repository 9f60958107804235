import { readFile } from 'node:fs/promises'
import sharp, { type Sharp } from 'sharp'
import { decodeBmp } from './bmp.ts'
import { readableFormat } from './formats.ts'
import { reasonOf } from './skipped.ts'
import { hasUndeclaredChannel } from './tiff.ts'

/**
 * Reads a picture as RGB bytes: upright, scaled and centre-cropped to a size, on black where transparent; the first
 * frame of an animation, the first of several pages.
 *
 * @returns the bytes, or one line saying what is wrong with the file
 * @example
 * const pixels = await readPicture('pictures/cat/1.jpg', 64, 64)
 * if (typeof pixels === 'string') console.error(pixels)
 */
export async function readPicture(
  file: string,
  height: number,
  width: number,
): Promise<Uint8Array | string> {
  const read = await readPictureAt(file, [[height, width]])
  return typeof read === 'string' ? read : read[0]!
}

/** Reads a picture at several sizes. */
export async function readPictureAt(
  file: string,
  sizes: readonly (readonly [height: number, width: number])[],
): Promise<Uint8Array[] | string> {
  try {
    // The bytes rather than the path: libvips caches by path, even if the file has changed since.
    const bytes = await readFile(file)
    const format = readableFormat(file, bytes)
    try {
      const picture = await open(format, bytes)
      return await Promise.all(sizes.map(([height, width]) => pixelsOf(picture, height, width)))
    } catch (error) {
      const reason = reasonOf(error)
      return reason.startsWith(format) ? reason : `${format}: ${reason}`
    }
  } catch (error) {
    return reasonOf(error)
  }
}

async function pixelsOf(picture: Sharp, height: number, width: number): Promise<Uint8Array> {
  const pixels = await picture
    .clone()
    .autoOrient()
    .resize(width, height, { fit: 'cover' })
    .flatten({ background: 'black' })
    .toColourspace('srgb')
    .raw()
    .toBuffer()
  if (pixels.length !== height * width * 3) throw new Error('its channels are not RGB')
  return pixels
}

async function open(format: string, bytes: Buffer): Promise<Sharp> {
  if (format === 'BMP') {
    const { data, width, height } = decodeBmp(bytes)
    return sharp(data, { raw: { width, height, channels: 4 } })
  }
  // Warnings concern files that every viewer shows, such as a stray byte before a marker; errors mean a truncated file.
  const picture = sharp(bytes, { failOn: 'error' })
  if (format !== 'TIFF' || !hasUndeclaredChannel(bytes)) return picture
  // sharp would treat it as transparency and premultiply the colours before removing it.
  const opaque = picture.autoOrient().removeAlpha().toColourspace('srgb').raw()
  const { data, info } = await opaque.toBuffer({ resolveWithObject: true })
  return sharp(data, { raw: info })
}
