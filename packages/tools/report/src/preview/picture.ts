import { encode } from 'fast-png'
import type { Picture } from '@tricks/run/record'

/**
 * Encodes a picture as a data URL. Only grey and RGB can be shown: the first of 2 channels, the first three of more
 * than 3.
 *
 * @example
 * pngUrl({ pixels: Uint8Array.of(255, 0, 0), height: 1, width: 1, channels: 3 })
 */
export function pngUrl(picture: Picture): string {
  const { width, height } = picture
  const channels = visibleChannels(picture)
  const png = encode({ data: channelsOf(picture, channels), width, height, channels })
  let binary = ''
  for (const byte of png) binary += String.fromCharCode(byte)
  return `data:image/png;base64,${btoa(binary)}`
}

const visibleChannels = ({ channels }: Picture): number => (channels < 3 ? 1 : 3)

function channelsOf({ pixels, channels }: Picture, first: number): Uint8Array {
  if (channels === first) return pixels
  return Uint8Array.from(
    { length: (pixels.length / channels) * first },
    (_, i) => pixels[Math.floor(i / first) * channels + (i % first)]!,
  )
}

/**
 * Shrinks a picture to at most `side` pixels per side by averaging areas; smaller ones are unchanged.
 */
export function shrunk(picture: Picture, side: number): Picture {
  const scale = Math.max(picture.width, picture.height) / side
  if (scale <= 1) return picture
  const { pixels, channels } = picture
  const [height, width] = [picture.height, picture.width].map((length) =>
    Math.max(1, Math.round(length / scale)),
  ) as [number, number]
  const edges = (length: number, to: number): number[] =>
    Array.from({ length: to + 1 }, (_, i) => Math.round((i * length) / to))
  const [rows, columns] = [edges(picture.height, height), edges(picture.width, width)]
  const means = new Uint8Array(height * width * channels)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) {
        let sum = 0
        for (let row = rows[y]!; row < rows[y + 1]!; row++)
          for (let column = columns[x]!; column < columns[x + 1]!; column++)
            sum += pixels[(row * picture.width + column) * channels + c]!
        const area = (rows[y + 1]! - rows[y]!) * (columns[x + 1]! - columns[x]!)
        means[(y * width + x) * channels + c] = Math.round(sum / area)
      }
  return { pixels: means, height, width, channels }
}
