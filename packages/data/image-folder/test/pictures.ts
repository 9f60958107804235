// Files that readers often get wrong, built byte by byte.
import { crc32, deflateSync } from 'node:zlib'

interface Tiff {
  readonly width: number
  readonly height: number
  /** The samples as stored in the file. */
  readonly data: Buffer
  readonly bits?: number
  readonly samples?: number
  /** 1 unsigned, 2 signed, 3 floating-point, 5 complex integers, 6 complex. */
  readonly format?: number
  /** 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK, 6 YCbCr, 8 L*a*b*. */
  readonly photometric?: number
  /** Meaning of extra channels: 0 undeclared, 1 and 2 alpha. */
  readonly extra?: readonly number[]
  readonly palette?: readonly number[]
  readonly planar?: boolean
  readonly bigEndian?: boolean
  /** With 64-bit offsets. */
  readonly big?: boolean
}

/** An uncompressed TIFF with one strip per plane. */
export function tiff({
  width,
  height,
  data,
  bits = 8,
  samples = 1,
  format = 1,
  photometric = samples >= 3 ? 2 : 1,
  extra,
  palette,
  planar = false,
  bigEndian = false,
  big = false,
}: Tiff): Buffer {
  const word = big ? 8 : 4
  const head = big ? 16 : 8
  const put = (to: Buffer, value: number, at: number, size: number): void => {
    const from = bigEndian ? at + size - Math.min(size, 4) : at
    if (bigEndian) to.writeUIntBE(value, from, Math.min(size, 4))
    else to.writeUIntLE(value, from, Math.min(size, 4))
  }
  const planes = planar ? samples : 1
  const plane = data.length / planes
  const tags: [tag: number, type: 3 | 4, values: readonly number[]][] = [
    [256, 4, [width]],
    [257, 4, [height]],
    [258, 3, Array<number>(samples).fill(bits)],
    [259, 3, [1]],
    [262, 3, [photometric]],
    [273, 4, Array.from({ length: planes }, (_, i) => head + i * plane)],
    [277, 3, [samples]],
    [278, 4, [height]],
    [279, 4, Array<number>(planes).fill(plane)],
    [284, 3, [planar ? 2 : 1]],
    ...(palette ? [[320, 3, palette] as [number, 3, readonly number[]]] : []),
    ...(extra ? [[338, 3, extra] as [number, 3, readonly number[]]] : []),
    [339, 3, Array<number>(samples).fill(format)],
    ...(photometric === 6 ? [[530, 3, [1, 1]] as [number, 3, readonly number[]]] : []),
  ]
  const count = big ? 8 : 2
  const entry = 4 + 2 * word
  const directory = Buffer.alloc(count + tags.length * entry + word)
  const start = Math.ceil((head + data.length) / 8) * 8
  let after = start + directory.length
  put(directory, tags.length, 0, count)
  const values: Buffer[] = []
  tags.forEach(([tag, type, numbers], i) => {
    const at = count + i * entry
    const size = type === 3 ? 2 : 4
    put(directory, tag, at, 2)
    put(directory, type, at + 2, 2)
    put(directory, numbers.length, at + 4, word)
    const bytes = Buffer.alloc(Math.ceil(Math.max(word, numbers.length * size) / 8) * 8)
    numbers.forEach((value, j) => put(bytes, value, j * size, size))
    if (numbers.length * size <= word) bytes.copy(directory, at + 4 + word, 0, word)
    else {
      put(directory, after, at + 4 + word, word)
      after += bytes.length
      values.push(bytes)
    }
  })
  const first = Buffer.alloc(head)
  first.write(bigEndian ? 'MM' : 'II', 'latin1')
  put(first, big ? 43 : 42, 2, 2)
  if (big) put(first, 8, 4, 2)
  put(first, start, big ? 8 : 4, word)
  const gap = Buffer.alloc(start - head - data.length)
  return Buffer.concat([first, data, gap, directory, ...values])
}

interface Bmp {
  readonly width: number
  readonly height: number
  readonly bits: number
  /** Rows from the top, each padded to four bytes; reordered here as the file requires. */
  readonly rows: readonly Buffer[]
  readonly palette?: readonly (readonly [red: number, green: number, blue: number])[]
  /** 12 OS/2, 40 Windows, 108 and 124 with colour spaces. */
  readonly header?: number
  readonly topDown?: boolean
  /** 0 none, 1 and 2 run-length encoding with 8 and 4 bits, 3 masks. */
  readonly compression?: number
  readonly masks?: readonly number[]
}

export function bmp({
  width,
  height,
  bits,
  rows,
  palette = [],
  header = 40,
  topDown = false,
  compression = 0,
  masks = [],
}: Bmp): Buffer {
  const info = Buffer.alloc(header)
  info.writeUInt32LE(header, 0)
  if (header === 12) {
    info.writeUInt16LE(width, 4)
    info.writeUInt16LE(height, 6)
    info.writeUInt16LE(1, 8)
    info.writeUInt16LE(bits, 10)
  } else {
    info.writeInt32LE(width, 4)
    info.writeInt32LE(topDown ? -height : height, 8)
    info.writeUInt16LE(1, 12)
    info.writeUInt16LE(bits, 14)
    info.writeUInt32LE(compression, 16)
    info.writeUInt32LE(palette.length, 32)
  }
  const after = Buffer.alloc(header === 40 ? masks.length * 4 : 0)
  masks.forEach((mask, i) =>
    header === 40 ? after.writeUInt32LE(mask, i * 4) : info.writeUInt32LE(mask, 40 + i * 4),
  )
  const colours = Buffer.from(
    palette.flatMap(([red, green, blue]) =>
      header === 12 ? [blue, green, red] : [blue, green, red, 0],
    ),
  )
  const data = Buffer.concat(topDown ? rows : rows.toReversed())
  const offset = 14 + info.length + after.length + colours.length
  const file = Buffer.alloc(14)
  file.write('BM', 'latin1')
  file.writeUInt32LE(offset + data.length, 2)
  file.writeUInt32LE(offset, 10)
  return Buffer.concat([file, info, after, colours, data])
}

/** A PNG whose header may declare more rows than it has. */
export function png(
  width: number,
  height: number,
  {
    bits = 8,
    type,
    row,
    chunks = [],
  }: { bits?: number; type: number; row: readonly number[]; chunks?: readonly Buffer[] },
): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = bits
  header[9] = type
  const rows = Array.from({ length: Math.min(height, 64) }, () => Buffer.from([0, ...row]))
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    ...chunks,
    pngChunk('IDAT', deflateSync(Buffer.concat(rows))),
    pngChunk('IEND', Buffer.alloc(0)),
  ])
}

export function pngChunk(name: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + data.length)
  chunk.writeUInt32BE(data.length, 0)
  chunk.write(name, 4, 'latin1')
  data.copy(chunk, 8)
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length)
  return chunk
}

/** A grey JPEG of two blocks, all 128, with a restart marker between them and the given bytes before it. */
export function jpegWithRestart(before: readonly number[] = []): Buffer {
  const segment = (marker: number, ...bytes: number[]): number[] => [
    0xff,
    marker,
    (bytes.length + 2) >> 8,
    (bytes.length + 2) & 255,
    ...bytes,
  ]
  const huffman = (kind: number): number[] =>
    // A single one-bit symbol, 0.
    segment(0xc4, kind, 1, ...Array<number>(15).fill(0), 0)
  return Buffer.from([
    0xff,
    0xd8,
    ...segment(0xdb, 0, ...Array<number>(64).fill(1)),
    ...segment(0xc0, 8, 0, 8, 0, 16, 1, 1, 0x11, 0),
    ...huffman(0),
    ...huffman(0x10),
    ...segment(0xdd, 0, 1),
    ...segment(0xda, 1, 1, 0, 0, 63, 0),
    0x3f,
    ...before,
    0xff,
    0xd0,
    0x3f,
    0xff,
    0xd9,
  ])
}

/** The beginning of a HEIF container with the given brands, without content. */
export function heif(...brands: string[]): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(16 + 4 * (brands.length - 1))
  const [major, ...compatible] = brands as [string, ...string[]]
  return Buffer.concat([
    size,
    Buffer.from(`ftyp${major}\0\0\0\0${compatible.join('')}`, 'latin1'),
    Buffer.alloc(40),
  ])
}
