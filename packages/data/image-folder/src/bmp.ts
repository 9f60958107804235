import { decode } from '@cwasm/nsbmp'

/** Pixel limit of a compressed BMP, whose size its file doesn't bound. */
const limit = 2 ** 26

/**
 * Decodes a BMP to RGBA. Alpha is ignored, as in viewers, because many programs leave it 0.
 *
 * @throws Error saying what is wrong with it
 */
export function decodeBmp(bytes: Buffer): { data: Buffer; width: number; height: number } {
  const head = Buffer.concat([bytes.subarray(0, 66), Buffer.alloc(Math.max(0, 66 - bytes.length))])
  const old = head.readUInt32LE(14) === 12
  const width = old ? head.readUInt16LE(18) : head.readInt32LE(18)
  const height = Math.abs(old ? head.readUInt16LE(20) : head.readInt32LE(22))
  const bits = head.readUInt16LE(old ? 24 : 28)
  const compression = old ? 0 : head.readUInt32LE(30)
  const compressed = compression === 1 || compression === 2
  if (width <= 0 || height === 0) throw new Error(`its header gives ${width} × ${height} pixels`)
  if (compressed && width * height > limit)
    throw new Error(`it has ${width} × ${height} pixels, more than ${limit}: scale it down`)
  const row = Math.ceil((width * bits) / 32) * 4
  if (!compressed && head.readUInt32LE(10) + row * height > bytes.length)
    throw new Error('it is truncated')
  const { data } = decode(bytes)
  // For 16-bit pixels, the decoder leaves the low bits 0, so white would be below 255.
  const masks = compression === 3 ? [54, 58, 62].map((at) => head.readUInt32LE(at)) : [31, 31, 31]
  const scale = masks.map((mask) => 255 / (256 - 2 ** (8 - bitsIn(mask))))
  for (let i = 0; i < data.length; i += 4) {
    if (bits === 16) for (let c = 0; c < 3; c++) data[i + c] = Math.round(data[i + c]! * scale[c]!)
    data[i + 3] = 255
  }
  return { data: Buffer.from(data.buffer, data.byteOffset, data.byteLength), width, height }
}

/** Bits of a mask, at most the 8 that the decoder produces. */
const bitsIn = (mask: number): number => Math.min(8, mask.toString(2).replaceAll('0', '').length)
