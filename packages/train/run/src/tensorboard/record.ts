// TFRecord, the framing of TensorFlow's event files: length, its checksum, data, its checksum; little-endian.

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

/**
 * CRC-32C, the cyclic redundancy check with Castagnoli's polynomial.
 *
 * @example
 * crc32c(new TextEncoder().encode('123456789')) // 0xe3069283
 * @see RFC 3720, appendix B.4
 */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/** Masked as the format requires, so that data containing its own checksum has an unpredictable one. */
const masked = (bytes: Uint8Array): number => {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

const [header, footer] = [12, 4]

export function frame(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(header + data.length + footer)
  const view = new DataView(record.buffer)
  view.setBigUint64(0, BigInt(data.length), true)
  view.setUint32(8, masked(record.subarray(0, 8)), true)
  record.set(data, header)
  view.setUint32(header + data.length, masked(data), true)
  return record
}

export interface FramedRecord {
  readonly data: Uint8Array
  /** Byte range of the frame in the file. */
  readonly from: number
  readonly to: number
}

/**
 * Iterates over the records of a file, up to where it was truncated.
 *
 * @throws Error with the offset of a record whose checksum is wrong
 */
export function* recordsOf(file: Uint8Array): Generator<FramedRecord, void> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  let from = 0
  while (from + header <= file.length) {
    check(file.subarray(from, from + 8), view.getUint32(from + 8, true), from)
    const end = from + header + Number(view.getBigUint64(from, true))
    if (end + footer > file.length) return
    const data = file.subarray(from + header, end)
    check(data, view.getUint32(end, true), from)
    yield { data, from, to: end + footer }
    from = end + footer
  }
}

function check(bytes: Uint8Array, checksum: number, from: number): void {
  if (masked(bytes) !== checksum)
    throw new Error(`tensorboard: the record at byte ${from} is damaged: its checksum is wrong`)
}
